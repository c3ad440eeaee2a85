"""The contract suite for tests of plugins: what `annotator plugins check` holds them to.

A plugin author writes, beside the plugin,

    @pytest.mark.parametrize("case", contract_cases(FOLDER), ids=str)
    def test_the_plugin_keeps_its_contract(case):
        case.run()

with `from annotator.testing import contract_cases`. Importing this module needs no pytest;
the fixtures are in `annotator.testing.plugin`, which pytest loads by itself where the
application is installed (else by `pytest_plugins = ["annotator.testing.plugin"]`).
"""

from annotator.testing.contract import ContractCase, contract_cases, registry_of

__all__ = ["ContractCase", "contract_cases", "registry_of"]

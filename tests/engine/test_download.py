import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Cancelled, CancelToken
from annotator.engine import download as download_module
from annotator.engine.download import Download, fetch

CONTENT = np.random.default_rng(0).bytes(3_000_000)


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT with the faults that the server's `behaviour` asks for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        behaviour = self.server.behaviour
        self.server.requests.append(self.headers.get("Range"))
        if len(self.server.requests) <= behaviour.get("status_times", 99) and "status" in behaviour:
            self.send_error(behaviour["status"])
            return
        content = behaviour.get("content", CONTENT)
        start = self._start(content)
        if start is None:
            self.send_error(416)
            return
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        drop = behaviour.get("drop_after")
        hold = behaviour.get("hold_after", 0)
        if hold:  # until the test lets it go on
            self.wfile.write(body[:hold])
            body = body[hold:]
            behaviour["go_on"].wait(20)
        self.wfile.write(body if drop is None else body[:drop])
        if drop is not None and drop < len(body):
            self.close_connection = True

    def _start(self, content):
        match = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if not match or self.server.behaviour.get("no_range"):
            return 0
        start = int(match.group(1))
        return start if start < len(content) else None

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("ANNOTATOR_OFFLINE", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.behaviour, made.requests = {}, []
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def wanted(server):
    url = f"http://127.0.0.1:{server.server_port}/weights.bin"
    return Download(url, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


@pytest.fixture
def target(tmp_path):
    return tmp_path / "folder" / "weights.bin"


def part_of(target):
    return target.with_name(target.name + ".part")


def test_a_file_arrives_whole_with_growing_progress(wanted, target):
    fractions = []
    fetch(wanted, target, progress=lambda f, message="": fractions.append(f))
    assert target.read_bytes() == CONTENT
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) > 2
    assert [p.name for p in target.parent.iterdir()] == ["weights.bin"]


def test_a_dropped_connection_is_resumed_where_it_stopped(server, wanted, target):
    server.behaviour["drop_after"] = 700_000
    fetch(wanted, target, pause=0)
    assert target.read_bytes() == CONTENT
    starts = [None if r is None else int(r[6:-1]) for r in server.requests]
    assert starts == [None, 700_000, 1_400_000, 2_100_000, 2_800_000]


def test_an_interrupted_download_goes_on_next_time(server, wanted, target):
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(CONTENT[:1_000_000])
    fetch(wanted, target)
    assert server.requests == ["bytes=1000000-"]
    assert target.read_bytes() == CONTENT


def test_a_server_without_ranges_starts_over(server, wanted, target):
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(b"x" * 1_000_000)
    server.behaviour["no_range"] = True
    fetch(wanted, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("have", [len(CONTENT), len(CONTENT) + 5])
def test_a_complete_or_overlong_part_is_not_trusted_blindly(wanted, target, have):
    part_of(target).parent.mkdir()
    part_of(target).write_bytes((CONTENT + b"excess")[:have])
    fetch(wanted, target)
    assert target.read_bytes() == CONTENT


def test_a_server_that_gives_nothing_is_left_after_five_attempts(server, wanted, target):
    server.behaviour["drop_after"] = 0
    with pytest.raises(AnnotatorError, match="cannot be downloaded") as caught:
        fetch(wanted, target, pause=0)
    assert len(server.requests) == 5
    assert "try again" in caught.value.remedy
    assert not target.exists()


def test_wrong_content_is_refused_and_not_kept(server, wanted, target):
    server.behaviour["content"] = b"y" * len(CONTENT)
    with pytest.raises(AnnotatorError, match="sha256 differs"):
        fetch(wanted, target)
    assert not list(target.parent.iterdir())


def test_more_than_promised_is_cut_off(server, wanted, target):
    server.behaviour["content"] = CONTENT + b"z" * 5_000_000
    with pytest.raises(AnnotatorError, match="more than the promised"):
        fetch(wanted, target)
    assert not target.exists()
    assert part_of(target).stat().st_size <= len(CONTENT)
    server.behaviour.clear()
    fetch(wanted, target)
    assert target.read_bytes() == CONTENT


def test_less_than_promised_is_an_error_and_no_endless_loop(server, wanted, target):
    server.behaviour["content"] = CONTENT[:1000]
    with pytest.raises(AnnotatorError, match="cannot be downloaded"):
        fetch(wanted, target, pause=0)
    assert len(server.requests) < 20
    assert not target.exists()


def test_not_found_is_said_at_once(server, wanted, target):
    server.behaviour["status"] = 404
    with pytest.raises(AnnotatorError, match="404"):
        fetch(wanted, target)
    assert len(server.requests) == 1


def test_a_busy_server_is_asked_again(server, wanted, target):
    server.behaviour.update(status=503, status_times=2)
    fetch(wanted, target, pause=0)
    assert target.read_bytes() == CONTENT


def test_nobody_listening_is_an_error_in_words(server, wanted, target):
    server.shutdown()
    server.server_close()
    with pytest.raises(AnnotatorError, match="cannot be downloaded"):
        fetch(wanted, target, pause=0)


def test_cancelling_keeps_what_was_received_for_later(server, wanted, target):
    token = CancelToken()

    def stop_halfway(fraction, message=""):
        if fraction > 0.3:
            token.cancel()

    with pytest.raises(Cancelled):
        fetch(wanted, target, progress=stop_halfway, cancel=token)
    kept = part_of(target).stat().st_size
    assert 0 < kept < len(CONTENT)
    fetch(wanted, target)
    assert server.requests[-1] == f"bytes={kept}-"
    assert target.read_bytes() == CONTENT


def test_cancelling_ends_the_pause_before_a_retry(server, wanted, target):
    server.behaviour["drop_after"] = 0
    token = CancelToken()
    threading.Timer(0.2, token.cancel).start()
    with pytest.raises(Cancelled):
        fetch(wanted, target, cancel=token, pause=1000)


def test_the_offline_switch_forbids_any_request(server, wanted, target, monkeypatch):
    monkeypatch.setenv("ANNOTATOR_OFFLINE", "1")
    with pytest.raises(AnnotatorError, match="ANNOTATOR_OFFLINE"):
        fetch(wanted, target)
    assert not server.requests


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "weights.bin"])
def test_only_web_addresses_are_fetched(target, url):
    with pytest.raises(AnnotatorError, match="neither an http"):
        fetch(Download(url, "0" * 64, 5), target)


@pytest.mark.parametrize("size", [0, -1, (8 << 30) + 1])
def test_implausible_sizes_are_refused(server, target, size):
    with pytest.raises(AnnotatorError, match="not accepted"):
        fetch(Download("http://127.0.0.1/x", "0" * 64, size), target)


def test_too_little_room_is_said_before_the_first_byte(server, wanted, target, monkeypatch):
    usage = download_module.shutil.disk_usage(".")._replace(free=100)
    monkeypatch.setattr(download_module.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(AnnotatorError, match="too little room"):
        fetch(wanted, target)
    assert not server.requests

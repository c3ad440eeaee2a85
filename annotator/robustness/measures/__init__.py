"""Measures: figures of what attacks have left behind, one record or many; reports ask them."""

"""Measures: figures of what attacks have left behind, one record or many.

They read records and fields and run nothing. Reports ask them; attacks and targets do not.
"""

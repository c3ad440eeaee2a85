"""Reports: one page that works offline, the same as PDF, and tables beside both."""

"""The click evaluation of photos as RITM publishes it: clicks, metrics, samples, protocol."""

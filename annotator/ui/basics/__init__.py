"""What every part of the window uses: settings, icons, colours, background jobs, messages."""

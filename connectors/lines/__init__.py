"""From bytes to records: lines, and what they are made of (CSV, JSON, text)."""

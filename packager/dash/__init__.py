"""DASH presentations (ISO/IEC 23009-1) as XML, from a `Package`. Start at `render`."""

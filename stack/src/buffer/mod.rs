//! Bytes on their way: rings and ranges.

//! Resolving names over the driver.

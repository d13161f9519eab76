//! The way up: Ethernet frame → link → internet → transport.

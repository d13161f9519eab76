//! The protocol on the WebSocket.

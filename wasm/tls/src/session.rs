//! One TLS connection: what comes in goes to [`Session::receive`], what goes out comes from [`Session::transmit`].

use crate::client::Clock;
use crate::failure::{Failure, Kind};
use crate::provider::suite_name;
use rustls::client::ClientConnection;
use rustls::{HandshakeKind, ProtocolVersion};
use std::io::{ErrorKind, Read, Write};

/// What a record adds to its plaintext at the least: its header and a tag (RFC 5246 §6.2.3, RFC 7905 §2).
const RECORD_OVERHEAD: usize = 5 + 16;

/// A session with one server.
#[derive(Debug)]
pub struct Session {
    connection: ClientConnection,
    clock: Clock,
    /// What ended it. All that comes later fails with the same.
    failure: Option<Failure>,
    /// The server said that nothing more will come.
    ended: bool,
}

/// What a handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// "TLSv1.2" or "TLSv1.3".
    pub version: &'static str,
    /// The cipher suite, by the name of IANA's registry.
    pub cipher: &'static str,
    /// The protocol that the server picked of those offered (ALPN).
    pub protocol: Option<String>,
    /// Whether a session of before was resumed, which saves the server's certificate.
    pub resumed: bool,
}

impl Session {
    pub(crate) fn new(connection: ClientConnection, clock: Clock) -> Session {
        Session {
            connection,
            clock,
            failure: None,
            ended: false,
        }
    }

    /// Takes bytes from the server and appends what they say to `plaintext`, before a failure too. `now`: milliseconds since 1970.
    /// After a failure there may be an alert to [transmit](Session::transmit), which tells the server why.
    pub fn receive(
        &mut self,
        mut ciphertext: &[u8],
        now: u64,
        plaintext: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        self.check()?;
        self.clock.set(now);
        // What follows the server's goodbye is not looked at (RFC 8446 §6.1).
        while !ciphertext.is_empty() && !self.ended {
            let outcome = self.take(&mut ciphertext, plaintext);
            outcome.map_err(|failure| self.fail(failure))?;
        }
        Ok(())
    }

    /// Some of the ciphertext: rustls takes as much as it wants to hold.
    fn take(&mut self, ciphertext: &mut &[u8], plaintext: &mut Vec<u8>) -> Result<(), Failure> {
        let before = ciphertext.len();
        let taken = self.connection.read_tls(ciphertext);
        if taken.is_err() || ciphertext.len() == before {
            return Err(Failure::new(
                Kind::Protocol,
                "a message is longer than it may be",
            ));
        }
        let state = self.connection.process_new_packets();
        // What came before a failure counts. The reader's own complaints, that there is no more yet or for ever, are known.
        let _ = self.connection.reader().read_to_end(plaintext);
        self.ended = state?.peer_has_closed();
        Ok(())
    }

    /// The bytes from the server are over. An error, unless it said so itself before.
    pub fn receive_end(&mut self) -> Result<(), Failure> {
        self.check()?;
        if self.ended {
            return Ok(());
        }
        let failure = if self.connection.is_handshaking() {
            Failure::new(
                Kind::Handshake,
                "the server closed the connection during the handshake",
            )
        } else {
            Failure::new(
                Kind::Truncated,
                "the connection ended before the server said that it would",
            )
        };
        Err(self.fail(failure))
    }

    /// Takes bytes for the server; [`transmit`](Session::transmit) has them afterwards. Returns how many were taken: not all if much waits to
    /// be transmitted.
    pub fn send(&mut self, plaintext: &[u8]) -> Result<usize, Failure> {
        self.check()?;
        match self.connection.writer().write(plaintext) {
            Ok(taken) => Ok(taken),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(_) => Err(self.fail(Failure::new(Kind::Protocol, "nothing can be sent"))),
        }
    }

    /// Takes all of the bytes and appends what is to be sent to the server. After the handshake.
    pub fn encrypt(
        &mut self,
        mut plaintext: &[u8],
        ciphertext: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        while !plaintext.is_empty() {
            let before = ciphertext.len();
            let taken = self.send(plaintext)?;
            plaintext = &plaintext[taken..];
            self.transmit(ciphertext);
            // The keys of TLS 1.2 last for so many records. Then rustls says goodbye, and takes what it does not send.
            if ciphertext.len() - before < taken + RECORD_OVERHEAD {
                return Err(self.fail(Failure::new(Kind::Protocol, "the keys are worn out")));
            }
        }
        Ok(())
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        self.connection.send_close_notify();
    }

    /// Appends all that is to be sent to the server. To be asked after each of the other calls.
    pub fn transmit(&mut self, ciphertext: &mut Vec<u8>) {
        while self.connection.wants_write() {
            // A Vec takes everything.
            if !matches!(self.connection.write_tls(ciphertext), Ok(1..)) {
                return;
            }
        }
    }

    /// What was agreed on; `None` until the handshake is over.
    #[must_use]
    pub fn agreement(&self) -> Option<Agreement> {
        if self.connection.is_handshaking() {
            return None;
        }
        let protocol = self.connection.alpn_protocol();
        let suite = self.connection.negotiated_cipher_suite()?.suite();
        Some(Agreement {
            version: match self.connection.protocol_version()? {
                ProtocolVersion::TLSv1_3 => "TLSv1.3",
                _ => "TLSv1.2",
            },
            cipher: suite_name(suite),
            protocol: protocol.map(|name| String::from_utf8_lossy(name).into_owned()),
            resumed: self.connection.handshake_kind() == Some(HandshakeKind::Resumed),
        })
    }

    /// Whether the server said that nothing more will come; the failure, if there was one.
    pub fn has_ended(&self) -> Result<bool, Failure> {
        self.check()?;
        Ok(self.ended)
    }

    fn check(&self) -> Result<(), Failure> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    fn fail(&mut self, failure: Failure) -> Failure {
        self.failure = Some(failure.clone());
        failure
    }
}

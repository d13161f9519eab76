//! The classes that JavaScript sees. Whatever fails throws an `Error` with a stable `code`.

use crate::client::Client;
use crate::failure::Failure;
use crate::session::Session;
use js_sys::{Date, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

/// Whom a network trusts, and the sessions that it may resume.
#[wasm_bindgen]
pub struct TlsClient(Client);

#[wasm_bindgen]
impl TlsClient {
    /// `ca`: certificates, each in DER, that are trusted besides those that browsers trust.
    #[wasm_bindgen(constructor)]
    pub fn new(ca: Vec<Uint8Array>) -> Result<TlsClient, JsValue> {
        Client::new(ca.iter().map(Uint8Array::to_vec))
            .map(TlsClient)
            .map_err(thrown)
    }

    /// Begins a session; `protocols` are offered by ALPN.
    pub fn open(&self, host: &str, protocols: Vec<String>) -> Result<TlsSession, JsValue> {
        let protocols: Vec<&str> = protocols.iter().map(String::as_str).collect();
        let session = self.0.open(host, &protocols, now()).map_err(thrown)?;
        Ok(TlsSession(session))
    }
}

/// One TLS connection, without its socket.
#[wasm_bindgen]
pub struct TlsSession(Session);

#[wasm_bindgen]
impl TlsSession {
    /// Takes bytes from the server; returns what they say. Then `transmit`, after a failure too. One that comes behind plaintext is
    /// told by `hasEnded`.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn receive(&mut self, ciphertext: &[u8]) -> Result<Uint8Array, JsValue> {
        let mut plaintext = Vec::with_capacity(ciphertext.len());
        let received = self.0.receive(ciphertext, now(), &mut plaintext);
        match received {
            Err(failure) if plaintext.is_empty() => Err(thrown(failure)),
            _ => Ok(Uint8Array::from(&plaintext[..])),
        }
    }

    /// The server's bytes are over.
    #[wasm_bindgen(js_name = receiveEnd)]
    pub fn receive_end(&mut self) -> Result<(), JsValue> {
        self.0.receive_end().map_err(thrown)
    }

    /// Encrypts bytes; returns what is to be sent.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn send(&mut self, plaintext: &[u8]) -> Result<Uint8Array, JsValue> {
        let mut ciphertext = Vec::with_capacity(plaintext.len() + plaintext.len() / 256 + 64);
        self.0.encrypt(plaintext, &mut ciphertext).map_err(thrown)?;
        Ok(Uint8Array::from(&ciphertext[..]))
    }

    /// Says goodbye; then `transmit`.
    pub fn finish(&mut self) {
        self.0.finish();
    }

    /// What is to be sent; `undefined`: nothing.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer> | undefined")]
    pub fn transmit(&mut self) -> JsValue {
        let mut ciphertext = Vec::new();
        self.0.transmit(&mut ciphertext);
        if ciphertext.is_empty() {
            return JsValue::UNDEFINED;
        }
        Uint8Array::from(&ciphertext[..]).into()
    }

    /// `{version, cipher, protocol, resumed}`; `undefined` until the handshake is over.
    #[wasm_bindgen(
        unchecked_return_type = "{ version: 'TLSv1.2' | 'TLSv1.3'; cipher: string; protocol: string | null; resumed: boolean } | undefined"
    )]
    pub fn agreement(&self) -> JsValue {
        let Some(agreement) = self.0.agreement() else {
            return JsValue::UNDEFINED;
        };
        let protocol = agreement.protocol.map_or(JsValue::NULL, Into::into);
        object(&[
            ("version", agreement.version.into()),
            ("cipher", agreement.cipher.into()),
            ("protocol", protocol),
            ("resumed", agreement.resumed.into()),
        ])
    }

    /// Whether the server said that nothing more will come. Throws what ended it otherwise.
    #[wasm_bindgen(js_name = hasEnded)]
    pub fn has_ended(&self) -> Result<bool, JsValue> {
        self.0.has_ended().map_err(thrown)
    }
}

fn now() -> u64 {
    Date::now() as u64
}

fn thrown(failure: Failure) -> JsValue {
    let error = js_sys::Error::new(&failure.to_string());
    // A fresh Error takes any property.
    let _ = Reflect::set(&error, &"code".into(), &failure.code().into());
    error.into()
}

fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

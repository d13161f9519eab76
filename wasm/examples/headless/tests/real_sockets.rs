//! A wasm-pack headless test that opens real sockets. The relay stands beside it; see `README.md`.
#![cfg(target_arch = "wasm32")]

use ethertab_wasm::{Network, TcpOptions};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
async fn the_demonstration_site_answers() {
    let network = Network::open("ws://127.0.0.1:8080/tunnel")
        .await
        .expect("a relay");
    // A `TcpStream` is futures-io's AsyncRead and AsyncWrite, which is all that most crates ask for.
    let stream = network
        .connect("demo.ethertab", 80, TcpOptions::default())
        .await
        .expect("a server");
    let answer = ethertab_example_headless::ask(stream, "demo.ethertab", "/")
        .await
        .expect("an answer");
    assert!(answer.starts_with("HTTP/1."));
    network.close();
}

//! Bytes that nobody can predict, from whoever runs us.

use rustls::crypto::GetRandomFailed;

/// `N` of them.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], GetRandomFailed> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(target_arch = "wasm32")]
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
        fn random_values(bytes: &mut [u8]) -> Result<JsValue, JsValue>;
    }

    // The most that one call may ask for.
    for part in bytes.chunks_mut(65_536) {
        random_values(part).map_err(|_| GetRandomFailed)?;
    }
    Ok(())
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
    getrandom::fill(bytes).map_err(|_| GetRandomFailed)
}

//! What window and worker scopes have in common and `web-sys` offers for each apart.

use js_sys::Function;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Milliseconds since the scope began, monotonic, with the browser's (coarse) resolution.
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout_raw(callback: &Function, milliseconds: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout_raw(timer: &JsValue);

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn random_values(bytes: &mut [u8]);
}

/// Microseconds since the scope began.
pub(crate) fn now_micros() -> u64 {
    // Saturating by the language's rules: a clock before its own beginning reads 0.
    (performance_now() * 1_000.0) as u64
}

/// Bytes that nobody can predict.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    random_values(&mut bytes);
    bytes
}

/// `setTimeout`, for a callback that its owner keeps.
pub(crate) fn set_timeout(callback: &Function, milliseconds: f64) -> JsValue {
    // Browsers take a delay above 2^31-1 for 0.
    set_timeout_raw(callback, milliseconds.clamp(0.0, 2_147_483_647.0))
}

/// `clearTimeout`.
pub(crate) fn clear_timeout(timer: &JsValue) {
    clear_timeout_raw(timer);
}

//! Plain objects across the border.
//!
//! Those that leave are written by serde-wasm-bindgen, by one instance of serde's code for all that there are: a list of names and
//! values. What derives make of each structure for itself was 23 KB of compressed code, an eighth of what a page may load.

use js_sys::Reflect;
use serde::ser::{Serialize, SerializeMap, Serializer as _};
use serde_wasm_bindgen::{Serializer, preserve};
use wasm_bindgen::JsValue;

/// An object with these fields. A map, not a structure: its names would be kept in a hash table.
pub(super) fn object(fields: &[(&'static str, JsValue)]) -> JsValue {
    let written = Serializer::json_compatible()
        .serialize_map(Some(fields.len()))
        .and_then(|mut object| {
            for (name, value) in fields {
                object.serialize_entry(name, &Value(value))?;
            }
            object.end()
        });
    // A fresh object takes any property, and the values are what they will be.
    written.unwrap_or_default()
}

/// A value that is passed on as it is.
struct Value<'v>(&'v JsValue);

impl Serialize for Value<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        preserve::serialize(self.0, serializer)
    }
}

/// The fields of an object that have these names, and are there. What a getter throws goes to the caller; so does what says
/// that `value` is no object.
///
/// Read one by one: serde's way would bring the words for all that an object can fail to be, floating-point numbers spelled out
/// among them, 16 KB of compressed code.
pub(super) fn fields(
    value: &JsValue,
    names: &'static [&'static str],
) -> Result<Vec<(&'static str, JsValue)>, JsValue> {
    let mut fields = Vec::new();
    for name in names {
        let field = Reflect::get(value, &JsValue::from_str(name))?;
        if !field.is_undefined() {
            fields.push((*name, field));
        }
    }
    Ok(fields)
}

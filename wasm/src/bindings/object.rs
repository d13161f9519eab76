//! Plain objects across the border, by serde-wasm-bindgen.
//!
//! Each direction is one instance of serde's code for all objects that there are: a list of names and values. What derives
//! make of each structure for itself was 23 KB of compressed code, an eighth of what a page may load.

use core::fmt;
use serde::de::{DeserializeSeed, Deserializer as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer as _};
use serde_wasm_bindgen::{Deserializer, Serializer, preserve};
use wasm_bindgen::JsValue;

/// An object with these fields.
pub(super) fn object(fields: &[(&'static str, JsValue)]) -> JsValue {
    let written = Serializer::json_compatible()
        .serialize_struct("object", fields.len())
        .and_then(|mut object| {
            for (name, value) in fields {
                object.serialize_field(name, &Value(value))?;
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
pub(super) fn fields(
    value: JsValue,
    names: &'static [&'static str],
) -> Result<Vec<(&'static str, JsValue)>, JsValue> {
    let fields = Deserializer::from(value).deserialize_struct("object", names, Fields(names));
    fields.map_err(JsValue::from)
}

/// Reads names and values.
struct Fields(&'static [&'static str]);

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(&'static str, JsValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = object.next_key_seed(Name(self.0))? {
            fields.push((name, object.next_value_seed(AsItIs)?));
        }
        Ok(fields)
    }
}

/// One of the names that are asked for.
struct Name(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = &'static str;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        let known = self.0.iter().find(|known| **known == name);
        known.copied().ok_or_else(|| E::custom("an unknown name"))
    }
}

/// Any value.
struct AsItIs;

impl<'de> DeserializeSeed<'de> for AsItIs {
    type Value = JsValue;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<JsValue, D::Error> {
        preserve::deserialize(deserializer)
    }
}

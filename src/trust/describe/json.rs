//! A description as JSON: each field under its key. The names are promised to scripts.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::{Field, Section, Value};
use crate::trust::fingerprint::Fingerprint;

/// Keys that stand for several fields: a list of `{"label", "value"}`, also where there is one.
const REPEATED: [&str; 5] = ["subject", "issuer", "extensions", "handshake", "revoked"];

/// Puts the fields of `sections` into `object`. Fingerprints are plain hex, times RFC 3339 in UTC; `invalid` lists the
/// sections marked at fault.
pub fn put_json(object: &mut Map<String, Json>, sections: &[Section]) {
    let mut invalid = Vec::new();
    for section in sections {
        if section.fields.iter().any(|field| field.invalid) {
            invalid.push(Json::String(section.title.to_lowercase().replace(' ', "_")));
        }
        for field in &section.fields {
            let Some(value) = value_of(field) else { continue };
            if REPEATED.contains(&field.key) {
                let list = object.entry(field.key).or_insert_with(|| Json::Array(Vec::new()));
                if let Json::Array(list) = list {
                    list.push(json!({ "label": field.label, "value": value }));
                }
            } else {
                object.insert(field.key.to_owned(), value);
            }
        }
    }
    if !invalid.is_empty() {
        object.insert("invalid".to_owned(), Json::Array(invalid));
    }
}

/// `None`: the bar, whose ends are fields of their own.
fn value_of(field: &Field) -> Option<Json> {
    Some(match &field.value {
        Value::Text(text) if field.key.ends_with("sha256") => {
            Fingerprint::parse(text).map_or_else(|_| json!(text), |print| json!(print.hex()))
        }
        Value::Text(text) if field.key == "sha1" => json!(text.replace(':', "").to_lowercase()),
        Value::Text(text) => json!(text),
        Value::List(list) => json!(list),
        Value::Time(time) => json!(rfc3339(*time)),
        Value::Number(number) => json!(number),
        Value::Flag(flag) => json!(flag),
        Value::Length(length) => json!(length.as_secs_f64()),
        Value::Validity { .. } => return None,
    })
}

fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

//! Between values of the domain and documents, byte for byte. (The ways of crate `bson` through its own value type read a map with a
//! key like `$oid` or `$date` as extended JSON: with such a name a user could make a document unreadable.)

use bson::{Bson, Document, RawDocument, RawDocumentBuf};
use serde::{Serialize, de::DeserializeOwned};

use super::{Result, StoreError};

/// The document of a value.
pub fn document(value: &impl Serialize) -> Result<Document> {
    let bytes = bson::serialize_to_vec(value).map_err(|e| StoreError::Fault(e.to_string()))?;
    Document::from_reader(bytes.as_slice()).map_err(|e| StoreError::Fault(e.to_string()))
}

/// The value of a document as stored.
pub fn raw_value<T: DeserializeOwned>(raw: &RawDocument) -> Result<T> {
    bson::deserialize_from_slice(raw.as_bytes()).map_err(|e| StoreError::Fault(e.to_string()))
}

/// A document as it is stored.
pub fn raw(document: &Document) -> Result<RawDocumentBuf> {
    RawDocumentBuf::try_from(document).map_err(|e| StoreError::Fault(e.to_string()))
}

/// A stored document, taken apart.
pub fn taken_apart(raw: &RawDocument) -> Result<Document> {
    Document::try_from(raw).map_err(|e| StoreError::Fault(format!("a stored document is broken: {e}")))
}

/// The value of a document.
pub fn value<T: DeserializeOwned>(document: &Document) -> Result<T> {
    let bytes = document.to_vec().map_err(|e| StoreError::Fault(e.to_string()))?;
    bson::deserialize_from_slice(&bytes).map_err(|e| StoreError::Fault(e.to_string()))
}

/// A value as BSON. What the domain asks for and sets is plain data (text, numbers, times, small structs): it always converts.
pub fn bson(value: &impl Serialize) -> Bson {
    #[derive(Serialize)]
    struct Holder<'a, T> {
        v: &'a T,
    }
    document(&Holder { v: value }).ok().and_then(|mut doc| doc.remove("v")).unwrap_or(Bson::Null)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bson::doc;
    use serde::Deserialize;

    use super::*;
    use crate::store::lenient;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Kept {
        map: BTreeMap<String, String>,
        #[serde(deserialize_with = "lenient::any")]
        any: Option<Bson>,
    }

    #[test]
    fn names_that_look_like_extended_json_are_only_names() {
        for (name, text) in [("$oid", "507f1f77bcf86cd799439011"), ("$date", "no date"), ("$numberLong", "1"), ("$undefined", "")] {
            let map = BTreeMap::from([(name.to_owned(), text.to_owned())]);
            let kept = Kept { any: Some(bson(&map)), map };
            let wanted = doc! {"map": {name: text}, "any": {name: text}};
            assert_eq!(document(&kept).unwrap().to_string(), wanted.to_string());
            assert_eq!(value::<Kept>(&wanted).unwrap(), kept);
        }
    }

    #[test]
    fn values_of_any_type_are_kept() {
        for any in [Bson::Int32(1), Bson::Null, bson::DateTime::now().into(), bson::oid::ObjectId::new().into(), Bson::Array(vec![])] {
            let read: Kept = value(&doc! {"map": {}, "any": &any}).unwrap();
            assert_eq!(read.any, Some(any).filter(|any| *any != Bson::Null));
        }
    }
}

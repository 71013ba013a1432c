//! Numbers in JSON, including those that JSON lacks.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Clone, Copy)]
struct Wire(f64);

impl Serialize for Wire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            x if x.is_finite() => serializer.serialize_f64(x),
            x if x.is_nan() => serializer.serialize_str("NaN"),
            x => serializer.serialize_str(if x > 0.0 { "inf" } else { "-inf" }),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, \"NaN\", \"inf\" or \"-inf\"")]
enum Read {
    Finite(f64),
    Named(Named),
}

#[derive(Deserialize)]
enum Named {
    #[serde(rename = "NaN")]
    Nan,
    #[serde(rename = "inf")]
    Infinite,
    #[serde(rename = "-inf")]
    MinusInfinite,
}

impl<'de> Deserialize<'de> for Wire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Read::deserialize(deserializer)? {
            Read::Finite(x) => x,
            Read::Named(Named::Nan) => f64::NAN,
            Read::Named(Named::Infinite) => f64::INFINITY,
            Read::Named(Named::MinusInfinite) => f64::NEG_INFINITY,
        }))
    }
}

/// For `#[serde(with = "number::one")]` on an `f64`.
pub(super) mod one {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Wire};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
    pub(in crate::schema) fn serialize<S: Serializer>(x: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        Wire(*x).serialize(serializer)
    }

    pub(in crate::schema) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<f64, D::Error> {
        Ok(Wire::deserialize(deserializer)?.0)
    }
}

/// For `#[serde(with = "number::optional", default)]` on an `Option<f64>`.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Wire};

    pub(in crate::schema) fn serialize<S: Serializer>(
        x: &Option<f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        x.map(Wire).serialize(serializer)
    }

    pub(in crate::schema) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Wire>::deserialize(deserializer)?.map(|x| x.0))
    }
}

/// For `#[serde(with = "number::many")]` on a `Vec<f64>`.
pub(super) mod many {
    use super::{Deserialize, Deserializer, Serializer, Wire};

    pub(in crate::schema) fn serialize<S: Serializer>(xs: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(xs.iter().copied().map(Wire))
    }

    pub(in crate::schema) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f64>, D::Error> {
        Ok(Vec::<Wire>::deserialize(deserializer)?.into_iter().map(|x| x.0).collect())
    }
}

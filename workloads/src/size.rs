//! How large a record is: on chain in full, on chain as a pointer, and outside the chain.

use crate::arrival::INLINE_OVERHEAD_BYTES;
use crate::bundle;
use crate::normal;

/// Distribution of a record's sizes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Size {
    /// Always the same.
    Fixed(Sizes),
    /// An encounter's FHIR bundle: minified JSON as the record, its zlib form as the object.
    Bundle {
        /// Bytes of a pointer to it.
        pointer_bytes: u32,
    },
    /// A log-normal object that is also the record.
    LogNormal {
        /// Median, bytes.
        median_bytes: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
        /// Bytes of a pointer to it.
        pointer_bytes: u32,
    },
}

/// One record's sizes; the fields are those of [`Arrival`](crate::Arrival).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sizes {
    /// Bytes of the record itself.
    pub record_bytes: u32,
    /// Bytes on chain of a pointer to it.
    pub pointer_bytes: u32,
    /// Bytes outside the chain.
    pub object_bytes: u64,
}

/// Mean sizes of a distribution.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct MeanSizes {
    /// Mean bytes of the record itself.
    pub record_bytes: f64,
    /// Mean bytes of a pointer.
    pub pointer_bytes: f64,
    /// Mean bytes of the object.
    pub object_bytes: f64,
}

impl Size {
    /// The sizes at a uniform number from 0 to 1 (neither included): every distribution has one quantile function,
    /// so that one uniform number gives record and object together.
    pub fn at(&self, u: f64) -> Sizes {
        match *self {
            Size::Fixed(sizes) => sizes,
            Size::Bundle { pointer_bytes } => {
                let (record, object) = bundle::bytes_at(u);
                Sizes { record_bytes: round(record) as u32, pointer_bytes, object_bytes: round(object) }
            }
            Size::LogNormal { median_bytes, sigma, pointer_bytes } => {
                let object_bytes = round(median_bytes * libm::exp(sigma * normal::quantile(u)));
                let record_bytes = u32::try_from(object_bytes).unwrap_or(u32::MAX);
                Sizes { record_bytes, pointer_bytes, object_bytes }
            }
        }
    }

    /// Whether [`Size::at`] depends on its argument.
    pub fn is_random(&self) -> bool {
        !matches!(self, Size::Fixed(_))
    }

    /// The mean sizes in closed form; that of a log-normal is `median * exp(sigma^2 / 2)`.
    pub fn mean(&self) -> MeanSizes {
        match *self {
            Size::Fixed(s) => MeanSizes {
                record_bytes: f64::from(s.record_bytes),
                pointer_bytes: f64::from(s.pointer_bytes),
                object_bytes: s.object_bytes as f64,
            },
            Size::Bundle { pointer_bytes } => MeanSizes {
                record_bytes: bundle::MEAN_BYTES,
                pointer_bytes: f64::from(pointer_bytes),
                object_bytes: bundle::MEAN_ZLIB_BYTES,
            },
            Size::LogNormal { median_bytes, sigma, pointer_bytes } => {
                let mean = median_bytes * libm::exp(sigma * sigma / 2.0);
                MeanSizes { record_bytes: mean, pointer_bytes: f64::from(pointer_bytes), object_bytes: mean }
            }
        }
    }
}

impl MeanSizes {
    /// Mean bytes on chain, by the rule of [`Arrival::chain_bytes`](crate::Arrival::chain_bytes).
    pub fn chain_bytes(&self, inline: bool) -> f64 {
        if self.pointer_bytes == 0.0 || (inline && self.record_bytes > 0.0) {
            self.record_bytes + f64::from(INLINE_OVERHEAD_BYTES)
        } else {
            self.pointer_bytes
        }
    }

    /// Mean bytes outside the chain, by the rule of [`Arrival::off_chain_bytes`](crate::Arrival::off_chain_bytes).
    pub fn off_chain_bytes(&self, inline: bool) -> f64 {
        if inline && self.record_bytes > 0.0 { 0.0 } else { self.object_bytes }
    }
}

fn round(x: f64) -> u64 {
    (x + 0.5) as u64
}

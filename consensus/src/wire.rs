//! One fixed-width little-endian codec for messages and log records.
//!
//! Its length is what the simulator bills, its bytes are what the TCP host sends and what content hashes cover.
//! The [`wire!`](crate::wire!) macro writes the three methods for a struct or enum from the list of its fields.

use std::sync::Arc;

use thiserror::Error;

use crate::types::{Digest, LogSeq, NodeId, Span, Stake, Ticket, Time, Tip, Topic, ValidatorId};

/// The most elements that a list on the wire may have: checked before anything is allocated.
pub const MAX_LIST: usize = 1 << 20;

/// Why bytes could not be decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum WireError {
    /// The input ended inside a value.
    #[error("the input ends {0} bytes short")]
    Short(usize),
    /// An enum's tag is none of its variants.
    #[error("unknown tag {0}")]
    Tag(u8),
    /// A list announces more than [`MAX_LIST`] elements.
    #[error("a list of {0} elements; at most 1048576 are allowed")]
    Long(usize),
}

/// A value with one canonical encoding.
pub trait Wire: Sized {
    /// Appends the encoding to `out`.
    fn encode(&self, out: &mut Vec<u8>);
    /// Reads a value from the front of `input` and moves it past.
    fn decode(input: &mut &[u8]) -> Result<Self, WireError>;
    /// Length of the encoding in bytes.
    fn encoded_len(&self) -> usize;
}

macro_rules! wire_int {
    ($($t:ty),*) => {$(
        impl Wire for $t {
            fn encode(&self, out: &mut Vec<u8>) { out.extend_from_slice(&self.to_le_bytes()); }
            fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
                const N: usize = size_of::<$t>();
                let (head, tail) = input.split_first_chunk::<N>().ok_or(WireError::Short(N.saturating_sub(input.len())))?;
                *input = tail;
                Ok(<$t>::from_le_bytes(*head))
            }
            fn encoded_len(&self) -> usize { size_of::<$t>() }
        }
    )*};
}
wire_int!(u8, u16, u32, u64, u128);

impl Wire for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        match u8::decode(input)? {
            0 => Ok(false),
            1 => Ok(true),
            t => Err(WireError::Tag(t)),
        }
    }
    fn encoded_len(&self) -> usize {
        1
    }
}

impl Wire for () {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &mut &[u8]) -> Result<Self, WireError> {
        Ok(())
    }
    fn encoded_len(&self) -> usize {
        0
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.len() as u32).encode(out);
        self.iter().for_each(|x| x.encode(out));
    }
    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let n = u32::decode(input)? as usize;
        if n > MAX_LIST {
            return Err(WireError::Long(n));
        }
        // Grown as elements arrive: the announced length allocates nothing by itself.
        let mut list = Vec::new();
        for _ in 0..n {
            list.push(T::decode(input)?);
        }
        Ok(list)
    }
    fn encoded_len(&self) -> usize {
        4 + self.iter().map(Wire::encoded_len).sum::<usize>()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.is_some().encode(out);
        if let Some(x) = self {
            x.encode(out);
        }
    }
    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(if bool::decode(input)? { Some(T::decode(input)?) } else { None })
    }
    fn encoded_len(&self) -> usize {
        1 + self.as_ref().map_or(0, Wire::encoded_len)
    }
}

impl<T: Wire> Wire for Arc<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        (**self).encode(out);
    }
    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        T::decode(input).map(Arc::new)
    }
    fn encoded_len(&self) -> usize {
        (**self).encoded_len()
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }
    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok((A::decode(input)?, B::decode(input)?))
    }
    fn encoded_len(&self) -> usize {
        self.0.encoded_len() + self.1.encoded_len()
    }
}

impl Wire for Digest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0[0].encode(out);
        self.0[1].encode(out);
    }
    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(Digest([u64::decode(input)?, u64::decode(input)?]))
    }
    fn encoded_len(&self) -> usize {
        16
    }
}

macro_rules! wire_newtype {
    ($($t:ident),*) => {$(
        impl Wire for $t {
            fn encode(&self, out: &mut Vec<u8>) { self.0.encode(out); }
            fn decode(input: &mut &[u8]) -> Result<Self, WireError> { Wire::decode(input).map($t) }
            fn encoded_len(&self) -> usize { self.0.encoded_len() }
        }
    )*};
}
wire_newtype!(NodeId, ValidatorId, Stake, Ticket, Topic, LogSeq, Time, Span);

/// Implements [`Wire`] for a struct, `wire!(struct Vote { view, block })`, or for an enum whose variants have
/// fields, `wire!(enum Msg { 0 => Vote(vote), 1 => Sync(from, to) })`; `wire!(enum E { 0 => A() })` where none.
#[macro_export]
macro_rules! wire {
    (struct $name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::wire::Wire for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                let _ = &out;
                $( $crate::wire::Wire::encode(&self.$field, out); )*
            }
            fn decode(input: &mut &[u8]) -> Result<Self, $crate::wire::WireError> {
                let _ = &input;
                Ok($name { $( $field: $crate::wire::Wire::decode(input)? ),* })
            }
            fn encoded_len(&self) -> usize {
                0 $( + $crate::wire::Wire::encoded_len(&self.$field) )*
            }
        }
    };
    (enum $name:ident { $($tag:literal => $variant:ident ( $($f:ident),* )),* $(,)? }) => {
        impl $crate::wire::Wire for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    $( $name::$variant { $($f),* } => {
                        out.push($tag);
                        $( $crate::wire::Wire::encode($f, out); )*
                    } )*
                }
            }
            fn decode(input: &mut &[u8]) -> Result<Self, $crate::wire::WireError> {
                match <u8 as $crate::wire::Wire>::decode(input)? {
                    $( $tag => Ok($name::$variant { $( $f: $crate::wire::Wire::decode(input)? ),* }), )*
                    t => Err($crate::wire::WireError::Tag(t)),
                }
            }
            fn encoded_len(&self) -> usize {
                match self {
                    $( $name::$variant { $($f),* } => 1 $( + $crate::wire::Wire::encoded_len($f) )*, )*
                }
            }
        }
    };
}

wire!(struct Tip { height, block });

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Probe {
        Vote { view: u64, block: Digest },
        List { items: Vec<u32>, more: Option<Tip> },
        Nothing {},
    }
    wire!(enum Probe { 0 => Vote(view, block), 1 => List(items, more), 2 => Nothing() });

    #[test]
    fn what_is_encoded_is_decoded_and_as_long_as_said() {
        let all = [
            Probe::Vote { view: 7, block: Digest([1, 2]) },
            Probe::List { items: vec![1, 2, 3], more: Some(Tip { height: 9, block: Digest([3, 4]) }) },
            Probe::Nothing {},
        ];
        for p in all {
            let mut bytes = vec![];
            p.encode(&mut bytes);
            assert_eq!(bytes.len(), p.encoded_len());
            let mut input = &bytes[..];
            assert_eq!(Probe::decode(&mut input), Ok(p));
            assert!(input.is_empty());
            for cut in 0..bytes.len() {
                assert!(Probe::decode(&mut &bytes[..cut]).is_err(), "{cut} of {} bytes", bytes.len());
            }
        }
    }

    #[test]
    fn a_long_list_is_refused_before_it_is_allocated() {
        let bytes = u32::MAX.to_le_bytes();
        assert_eq!(Vec::<u64>::decode(&mut &bytes[..]), Err(WireError::Long(u32::MAX as usize)));
    }
}

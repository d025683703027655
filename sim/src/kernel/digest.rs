//! The RunDigest: what makes two runs equal.
//!
//! Each node keeps an order-sensitive 128-bit mix over its handler calls and its chain's changes; blake3 over these
//! in node order, with a format version, is the digest. Any partition of the nodes therefore gives the same one, and
//! engine-internal records (wakes, parked jobs) never enter it.

use std::fmt;

/// Raised whenever what is mixed changes.
const FORMAT: u32 = 1;

/// A node's order-sensitive mix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeDigest {
    a: u64,
    b: u64,
}

impl Default for NodeDigest {
    fn default() -> Self {
        NodeDigest { a: 0x243F_6A88_85A3_08D3, b: 0x1319_8A2E_0370_7344 }
    }
}

impl NodeDigest {
    /// Mixes one record in.
    #[inline]
    pub fn record(&mut self, words: &[u64]) {
        for w in words {
            let x = u128::from(self.a ^ w) * 0xD6E8_FEB8_6659_FD93;
            self.a = (x as u64) ^ ((x >> 64) as u64) ^ self.b;
            self.b = self.b.rotate_left(29).wrapping_add(self.a ^ w).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }
}

/// Digest of a whole run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RunDigest([u8; 32]);

impl RunDigest {
    /// Of the nodes in order.
    pub fn of<'a>(nodes: impl Iterator<Item = &'a NodeDigest>) -> RunDigest {
        let mut h = blake3::Hasher::new();
        h.update(b"ledgerlab run digest");
        h.update(&FORMAT.to_le_bytes());
        for n in nodes {
            h.update(&n.a.to_le_bytes());
            h.update(&n.b.to_le_bytes());
        }
        RunDigest(*h.finalize().as_bytes())
    }
}

impl fmt::Display for RunDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..16].iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for RunDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(records: &[[u64; 2]]) -> NodeDigest {
        let mut d = NodeDigest::default();
        records.iter().for_each(|r| d.record(r));
        d
    }

    #[test]
    fn order_value_and_number_of_records_matter() {
        let base = of(&[[1, 2], [3, 4]]);
        assert_eq!(base, of(&[[1, 2], [3, 4]]));
        for other in [&[[3, 4], [1, 2]][..], &[[1, 2], [3, 5]], &[[1, 2]], &[[1, 2], [3, 4], [0, 0]], &[[2, 2], [3, 4]]]
        {
            assert_ne!(base, of(other), "{other:?}");
        }
    }
}

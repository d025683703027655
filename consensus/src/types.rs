//! Newtypes shared by every protocol and host: ids, time, content digests.
//!
//! Integers only: nothing here depends on the platform.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};

use sha2::Digest as _;

/// An endpoint of the network: where messages go to and come from. Not a key: see [`ValidatorId`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NodeId(pub u32);

/// A signing key. Votes are counted by validator, never by the endpoint that relayed them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ValidatorId(pub u32);

/// Voting weight or hash power of a validator, in units that only their ratio gives meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Stake(pub u64);

/// Position in the chain; genesis is height 0.
pub type Height = u64;

/// BFT view (round, ballot); the first is 1 unless the protocol says otherwise.
pub type View = u64;

/// Chosen by the protocol to recognise the answer to a request; never interpreted by the host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Ticket(pub u64);

/// A gossip channel; nodes receive only the topics to which they subscribe.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Topic(pub u16);

/// Sequence number of a log record of one replica, from 1; `LogSeq(0)` is "nothing".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LogSeq(pub u64);

/// A point in time in nanoseconds since the host's start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub u64);

/// A length of time in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span(pub u64);

impl Time {
    /// The start of the run.
    pub const ZERO: Time = Time(0);
    /// Later than everything that happens.
    pub const NEVER: Time = Time(u64::MAX);

    /// Length since an `earlier` point; zero if it is later.
    pub fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the start, for reports.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// `n` nanoseconds.
    pub const fn nanos(n: u64) -> Span {
        Span(n)
    }
    /// `n` microseconds.
    pub const fn micros(n: u64) -> Span {
        Span(n * 1_000)
    }
    /// `n` milliseconds.
    pub const fn millis(n: u64) -> Span {
        Span(n * 1_000_000)
    }
    /// `n` seconds.
    pub const fn secs(n: u64) -> Span {
        Span(n * 1_000_000_000)
    }
    /// Seconds, for reports.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// The nearest span to `s` seconds; negative and NaN give zero, what does not fit the maximum.
    pub fn from_secs_f64(s: f64) -> Span {
        Span((s * 1e9 + 0.5) as u64)
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, s: Span) -> Time {
        Time(self.0.saturating_add(s.0))
    }
}
impl AddAssign<Span> for Time {
    fn add_assign(&mut self, s: Span) {
        *self = *self + s;
    }
}
impl Sub<Time> for Time {
    type Output = Span;
    fn sub(self, t: Time) -> Span {
        assert!(self >= t, "time runs backwards: {} < {}", self.0, t.0);
        Span(self.0 - t.0)
    }
}
impl Add for Span {
    type Output = Span;
    fn add(self, s: Span) -> Span {
        Span(self.0.saturating_add(s.0))
    }
}
impl AddAssign for Span {
    fn add_assign(&mut self, s: Span) {
        *self = *self + s;
    }
}
impl Mul<u64> for Span {
    type Output = Span;
    fn mul(self, n: u64) -> Span {
        Span(self.0.saturating_mul(n))
    }
}

/// Hash of content, 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u64; 2]);

impl Digest {
    /// The parent of the first block.
    pub const GENESIS: Digest = Digest([0, 0]);

    /// Folds 128 bits to 64, for tables and counter-based draws.
    pub fn fold(self) -> u64 {
        self.0[0] ^ self.0[1].rotate_left(32)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0[0] >> 32)
    }
}

/// A block of the ledger as far as it has been adopted: what a replica starts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tip {
    /// Height of the block; 0 is genesis.
    pub height: Height,
    /// The block itself.
    pub block: Digest,
}

/// How digests are computed: fast and unkeyed in a plain run, cryptographic where integrity is real.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Hashing {
    /// A 128-bit mix; collisions by chance are negligible, by intent easy.
    #[default]
    Mix,
    /// SHA-256 cut to 128 bits.
    Sha256,
}

impl Hashing {
    /// Digest of `bytes`.
    #[inline]
    pub fn digest(self, bytes: &[u8]) -> Digest {
        match self {
            Hashing::Mix => mix128(bytes),
            Hashing::Sha256 => sha256(bytes),
        }
    }
}

fn sha256(bytes: &[u8]) -> Digest {
    let h = sha2::Sha256::digest(bytes);
    Digest([word(&h[..8]), word(&h[8..16])])
}

fn word(b: &[u8]) -> u64 {
    let mut w = [0; 8];
    w[..b.len()].copy_from_slice(b);
    u64::from_le_bytes(w)
}

fn mix128(bytes: &[u8]) -> Digest {
    let (words, rest) = bytes.as_chunks();
    // The end of the last eight bytes, where there are as many: no copy of a length that is not known.
    let end = |last: &[u8; 8]| u64::from_le_bytes(*last) >> (64 - 8 * rest.len());
    let last = (!rest.is_empty()).then(|| bytes.last_chunk().map_or_else(|| word(rest), end));
    mix_words(words.iter().map(|w| u64::from_le_bytes(*w)).chain(last), bytes.len() as u64)
}

/// Two lanes of multiply-and-fold over 8-byte words, the last filled up with zeros, finished with the length in bytes.
#[inline]
fn mix_words(words: impl Iterator<Item = u64>, n: u64) -> Digest {
    let (mut a, mut b) = (0x9E37_79B9_7F4A_7C15_u64, 0xD1B5_4A32_D192_ED03_u64);
    words.for_each(|w| {
        a = fold_mul(a ^ w, 0xD6E8_FEB8_6659_FD93);
        b = fold_mul(b.rotate_left(23) ^ w, 0xA076_1D64_78BD_642F);
    });
    Digest([mix64(a ^ n), mix64(b.wrapping_add(a) ^ n)])
}

fn fold_mul(a: u64, b: u64) -> u64 {
    let x = u128::from(a) * u128::from(b);
    (x as u64) ^ ((x >> 64) as u64) ^ a.rotate_left(17)
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection that mixes every bit.
pub const fn mix64(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_tell_contents_and_lengths_apart() {
        let mut seen: Vec<Digest> = (0..4_096_u64)
            .flat_map(|i| [Hashing::Mix.digest(&i.to_le_bytes()), Hashing::Mix.digest(&vec![0; i as usize + 9])])
            .collect();
        let n = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), n);
    }

    #[test]
    fn the_end_of_what_is_digested_is_filled_up_with_zeros() {
        let bytes: Vec<u8> = (1..=40).collect();
        for n in 0..=bytes.len() {
            let plain = mix_words(bytes[..n].chunks(8).map(word), n as u64);
            assert_eq!(Hashing::Mix.digest(&bytes[..n]), plain, "{n} bytes");
        }
    }

    #[test]
    fn sha256_is_cut_to_128_bits() {
        // FIPS 180-2, "abc": ba7816bf 8f01cfea 414140de 5dae2223 ...
        let d = Hashing::Sha256.digest(b"abc");
        assert_eq!(d.0[0].to_le_bytes(), [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea]);
        assert_eq!(d.0[1].to_le_bytes(), [0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23]);
    }
}

//! Loss of segments and what it costs: the transport sends again until all have come.
//!
//! A message is as many segments as fit its bytes, each lost with the same probability on every way, apart from the
//! others. After each round the transport waits for its retransmission timeout, which doubles every time (RFC 6298,
//! section 5.5) up to a minute (its section 2.4). All lost segments of a round are sent again together.
//!
//! Limits: acknowledgements are never lost, a duplicate one never starts a retransmission before its time, and the
//! segments that are sent again take no bandwidth.

use ledgerlab_consensus::{NodeId, Span};

use crate::kernel::queue::Origin;
use crate::kernel::rng::Stream;

/// Bytes of a segment: an Ethernet frame of 1,500 without the headers of IP and TCP and its timestamps (RFC 7323).
pub const SEGMENT_BYTES: u32 = 1_448;
/// The transport's smallest retransmission timeout (Linux: 200 ms).
const MIN_TIMEOUT: Span = Span::millis(200);
/// Its largest (RFC 6298, 2.4: at least 60 s).
const MAX_TIMEOUT: Span = Span::secs(60);
/// Timeout in one-way latencies, where that is more: one and a half round trips.
const TIMEOUT_LATENCIES: u64 = 3;

/// The losses of a network.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    draws: Stream,
    rate: f64,
}

impl Loss {
    /// Each segment is lost with probability `rate`, above 0 and below 1.
    pub fn new(draws: Stream, rate: f64) -> Loss {
        assert!(rate > 0.0 && rate < 1.0, "a loss rate of {rate}");
        Loss { draws, rate }
    }

    /// How often parts of a message are sent again: one less than the largest of as many geometric numbers as it has
    /// segments, P(rounds <= r) = (1 - rate^(r + 1))^segments, inverted for one draw.
    pub fn rounds(&self, origin: Origin, to: NodeId, bytes: u32) -> u32 {
        // The middle of the draw's interval, so that neither 0 nor 1 is reached.
        rounds_at(self.rate, self.draws.unit(origin.0, u64::from(to.0)) + 0.5 / (1_u64 << 53) as f64, bytes)
    }

    /// By how much a message comes later on a connection with such a one-way latency.
    pub fn delay(&self, origin: Origin, to: NodeId, bytes: u32, latency: Span) -> Span {
        waited(self.rounds(origin, to, bytes), latency)
    }
}

/// The least number of rounds within which a share of such messages has come.
fn rounds_at(rate: f64, share: f64, bytes: u32) -> u32 {
    let segments = f64::from(bytes.div_ceil(SEGMENT_BYTES).max(1));
    let none_lost = -libm::expm1(libm::log(share) / segments);
    let ways = libm::ceil(libm::log(none_lost) / libm::log(rate));
    (ways.max(1.0) - 1.0) as u32
}

/// By how much later than without loss such a share of messages comes at most, 0 < `share` < 1; none at rate 0.
pub fn delay_of_share(rate: f64, share: f64, bytes: u32, latency: Span) -> Span {
    if rate > 0.0 { waited(rounds_at(rate, share, bytes), latency) } else { Span::ZERO }
}

/// By how much later than without loss a message of one segment comes in the mean: the k-th timeout is waited for
/// with probability rate^k.
pub fn mean_delay(rate: f64, latency: Span) -> Span {
    let mut timeout = first_timeout(latency);
    let (mut sum_s, mut lost) = (0.0, rate);
    while timeout < MAX_TIMEOUT {
        sum_s += lost * timeout.as_secs_f64();
        lost *= rate;
        timeout = (timeout * 2).min(MAX_TIMEOUT);
    }
    Span::from_secs_f64(sum_s + lost / (1.0 - rate) * MAX_TIMEOUT.as_secs_f64())
}

fn first_timeout(latency: Span) -> Span {
    MIN_TIMEOUT.max(latency * TIMEOUT_LATENCIES).min(MAX_TIMEOUT)
}

/// The timeouts of so many rounds.
fn waited(rounds: u32, latency: Span) -> Span {
    let mut timeout = first_timeout(latency);
    let mut sum = Span::ZERO;
    for _ in 0..rounds {
        sum += timeout;
        timeout = (timeout * 2).min(MAX_TIMEOUT);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::Purpose;

    #[test]
    fn rounds_are_the_largest_of_geometric_numbers() {
        const DRAWS: u64 = 200_000;
        for rate in [0.001, 0.02, 0.5, 0.9] {
            let loss = Loss::new(Stream::new(7, Purpose::Loss), rate);
            for segments in [1_u32, 10, 725] {
                let bytes = segments * SEGMENT_BYTES;
                let mut count = [0_u64; 400];
                for i in 0..DRAWS {
                    count[loss.rounds(Origin(i), NodeId(3), bytes) as usize] += 1;
                }
                let (mut below, mut seen) = (0.0, 0);
                for (r, n) in (0_u32..).zip(count) {
                    seen += n;
                    let upto = libm::pow(1.0 - libm::pow(rate, f64::from(r + 1)), f64::from(segments));
                    // The cumulative count and the count itself are binomial: 5 sigma, and one for what is rare.
                    for (p, n) in [(upto, seen), (upto - below, n)] {
                        let (mean, sigma) = (p * DRAWS as f64, libm::sqrt(p * (1.0 - p).max(0.0) * DRAWS as f64));
                        let off = (n as f64 - mean).abs();
                        assert!(off <= 5.0 * sigma + 1.0, "{rate}, {segments} segments, {r} rounds: {n} for {mean}");
                    }
                    below = upto;
                }
            }
        }
    }

    #[test]
    fn a_byte_more_than_a_segment_is_two() {
        let loss = Loss::new(Stream::new(7, Purpose::Loss), 0.3);
        let lost = |bytes| (0..10_000).filter(|i| loss.rounds(Origin(*i), NodeId(0), bytes) > 0).count();
        assert_eq!((lost(0), lost(1)), (lost(SEGMENT_BYTES), lost(SEGMENT_BYTES)));
        assert!(lost(SEGMENT_BYTES + 1) > lost(SEGMENT_BYTES) + 1_000);
        assert_eq!(lost(SEGMENT_BYTES + 1), lost(2 * SEGMENT_BYTES));
    }

    #[test]
    fn the_timeout_doubles_up_to_a_minute() {
        let (short, long) = (Span::millis(10), Span::millis(100));
        assert_eq!([0, 1, 2, 3].map(|r| waited(r, short)), [0, 200, 600, 1_400].map(Span::millis));
        assert_eq!([1, 2].map(|r| waited(r, long)), [300, 900].map(Span::millis));
        // 0.2 s + ... + 51.2 s, then 60 s each.
        assert_eq!(waited(9, short), Span::millis(102_200));
        assert_eq!(waited(12, short), Span::millis(102_200 + 3 * 60_000));
    }

    #[test]
    fn the_mean_and_the_share_are_those_of_the_draws() {
        const DRAWS: u64 = 200_000;
        let latency = Span::millis(10);
        for (rate, most_off) in [(0.01, 0.05), (0.1, 0.03), (0.5, 0.05), (0.9, 0.03)] {
            let loss = Loss::new(Stream::new(7, Purpose::Loss), rate);
            let delays: Vec<Span> = (0..DRAWS).map(|i| loss.delay(Origin(i), NodeId(3), 100, latency)).collect();
            let mean = delays.iter().map(|d| d.as_secs_f64()).sum::<f64>() / DRAWS as f64;
            let expected = mean_delay(rate, latency).as_secs_f64();
            assert!((mean / expected - 1.0).abs() < most_off, "{rate}: {mean} s for {expected} s");
            let usual = delay_of_share(rate, 0.99, 100, latency);
            let within = delays.iter().filter(|d| **d <= usual).count() as f64 / DRAWS as f64;
            let below = delays.iter().filter(|d| **d < usual).count() as f64 / DRAWS as f64;
            assert!(within > 0.989 && below < 0.991, "{rate}: {below} below and {within} within {usual:?}");
        }
        assert_eq!((mean_delay(0.0, latency), delay_of_share(0.0, 0.99, 100, latency)), (Span::ZERO, Span::ZERO));
    }
}

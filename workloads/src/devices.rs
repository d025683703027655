//! Devices that send periodically through gateways: `phase + k * interval + jitter`, held back by outages.
//!
//! Phases are uniform over the interval, so that a run sees devices in their steady state from its first moment.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rand_chacha::ChaCha8Rng;

use crate::exponential::Exponential;
use crate::process::Window;
use crate::random::unit;
use crate::stream::{DAY_NS, Devices};

/// Random numbers of a fleet of devices.
#[derive(Clone, Debug)]
pub(crate) struct FleetRandom {
    /// Phases and jitter.
    pub(crate) times: ChaCha8Rng,
    /// Outages; each gateway takes the stream that is its own number above this one.
    pub(crate) outages: ChaCha8Rng,
}

/// The devices of all hospitals of a workload.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    devices: Devices,
    interval_ns: f64,
    jitter_ns: f64,
    end_ns: u64,
    rng: ChaCha8Rng,
    /// Next message of each device: when it leaves, and the device.
    next: BinaryHeap<Reverse<(u64, u32)>>,
    /// Of each device: its phase, and the number of its next message.
    phases: Vec<(f64, u64)>,
    /// Empty where gateways never fail.
    gateways: Vec<Gateway>,
    outages: OutageModel,
}

impl Fleet {
    /// `per_week`, of all devices together, must be positive.
    pub(crate) fn new(per_week: f64, hospitals: u32, devices: Devices, random: FleetRandom, window: Window) -> Fleet {
        let count = hospitals * devices.per_hospital;
        let interval_ns = f64::from(count) * (7 * DAY_NS) as f64 / per_week;
        let gateways = if devices.outages_per_day > 0.0 { hospitals * devices.gateways } else { 0 };
        let mut fleet = Fleet {
            devices,
            interval_ns,
            jitter_ns: interval_ns.min(devices.jitter_ns as f64),
            end_ns: window.end_ns,
            rng: random.times,
            next: BinaryHeap::with_capacity(count as usize),
            phases: Vec::with_capacity(count as usize),
            gateways: vec![Gateway::default(); gateways as usize],
            outages: OutageModel::new(devices, random.outages),
        };
        for device in 0..count {
            let phase = unit(&mut fleet.rng) * interval_ns;
            fleet.phases.push((phase - interval_ns, 0));
            fleet.schedule(device, 0);
        }
        fleet
    }

    /// When the next message leaves, and its hospital.
    pub(crate) fn next(&mut self) -> Option<(u64, u32)> {
        let Reverse((at_ns, device)) = self.next.pop()?;
        self.schedule(device, at_ns);
        Some((at_ns, device / self.devices.per_hospital))
    }

    /// Plans a device's next message; what would have left before the run is skipped.
    fn schedule(&mut self, device: u32, now_ns: u64) {
        let (phase, number) = &mut self.phases[device as usize];
        let at = loop {
            let at = *phase + *number as f64 * self.interval_ns + unit(&mut self.rng) * self.jitter_ns;
            *number += 1;
            if at >= 0.0 {
                break at;
            }
        };
        let at_ns = self.through_gateway(device, at as u64, now_ns);
        if at_ns < self.end_ns {
            self.next.push(Reverse((at_ns, device)));
        }
    }

    fn through_gateway(&mut self, device: u32, at_ns: u64, now_ns: u64) -> u64 {
        if self.gateways.is_empty() {
            return at_ns;
        }
        let (hospital, bed) = (device / self.devices.per_hospital, device % self.devices.per_hospital);
        let gateway = hospital * self.devices.gateways + bed % self.devices.gateways;
        self.gateways[gateway as usize].release(gateway, at_ns, now_ns, &self.outages)
    }
}

/// How gateways fail: uptimes are exponential, outages of fixed length.
#[derive(Clone, Debug)]
struct OutageModel {
    uptime_ns: f64,
    outage_ns: u64,
    exponential: Exponential,
    rng: ChaCha8Rng,
}

impl OutageModel {
    fn new(devices: Devices, rng: ChaCha8Rng) -> OutageModel {
        let uptime_ns = DAY_NS as f64 / devices.outages_per_day;
        OutageModel { uptime_ns, outage_ns: devices.outage_ns, exponential: Exponential::new(), rng }
    }

    /// Uptime before the gateway's outage of this number; random access, since gateways draw in no fixed order.
    fn uptime(&self, gateway: u32, number: u64) -> u64 {
        let mut rng = self.rng.clone();
        rng.set_stream(self.rng.get_stream() + u64::from(gateway));
        rng.set_word_pos(2 * u128::from(number));
        (self.exponential.draw(&mut rng) * self.uptime_ns) as u64
    }
}

/// The outages of one gateway that are not over yet.
#[derive(Clone, Debug, Default)]
struct Gateway {
    /// Start and end.
    outages: VecDeque<(u64, u64)>,
    /// How many were drawn, and the end of the last one.
    drawn: (u64, u64),
}

impl Gateway {
    /// When a message leaves that comes at `at_ns`. It does not overtake the device's last message, which left at
    /// `now_ns`: that is later than `at_ns` where both waited for the same outage's end.
    fn release(&mut self, gateway: u32, at_ns: u64, now_ns: u64, model: &OutageModel) -> u64 {
        while self.drawn.1 <= at_ns {
            let start = self.drawn.1.saturating_add(model.uptime(gateway, self.drawn.0));
            let end = start.saturating_add(model.outage_ns);
            self.outages.push_back((start, end));
            self.drawn = (self.drawn.0 + 1, end);
        }
        while self.outages.front().is_some_and(|o| o.1 <= now_ns) {
            self.outages.pop_front();
        }
        self.outages.iter().find(|o| o.0 <= at_ns && at_ns < o.1).map_or(at_ns.max(now_ns), |o| o.1)
    }
}

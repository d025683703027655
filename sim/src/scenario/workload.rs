//! `[workload.<name>]`: what hospitals send, with the parameters that the kind declares.

use ledgerlab_workloads::registry::KINDS;
use ledgerlab_workloads::spec::{MAX_CLIENTS, MAX_FACTOR, MAX_HOSPITALS};
use ledgerlab_workloads::{ArrivalMode, Param, ParamValue, WorkloadSpec};

use crate::scenario::problem::{Flaw, listed};
use crate::scenario::quantity::{SIZE, TIME};
use crate::scenario::reader::Reader;
use crate::scenario::scalar;

/// Most workloads of a scenario.
const MOST_WORKLOADS: usize = 1_000;

/// Reads all workloads, in order of name.
/// `organisations` is the number of hospitals of a workload that has no rate per hospital and does not say.
pub(crate) fn read(r: &mut Reader<'_, '_>, organisations: usize) -> Vec<WorkloadSpec> {
    let mut workloads = Vec::new();
    let mut written = 0;
    r.entries("workload", |name, r| {
        written += 1;
        workloads.extend(one(r, name, organisations.max(1) as u64));
    });
    if written == 0 {
        let flaw = Flaw::new("there is no workload").limit("at least 1");
        r.report_at(&["workload"], flaw.hint("write [workload.clinics] with a kind and hospitals"));
    } else if written > MOST_WORKLOADS {
        let flaw = Flaw::new(format!("{written} workloads"));
        let flaw = flaw.limit(format!("at most {MOST_WORKLOADS}"));
        r.report_at(&["workload"], flaw.hint("join workloads of one kind and raise `multiplier`"));
    }
    workloads
}

fn one(r: &mut Reader<'_, '_>, name: &str, organisations: u64) -> Option<WorkloadSpec> {
    let ids = KINDS.iter().map(|k| k.id);
    if !r.has("kind") {
        let flaw = Flaw::new("the key is missing").limit(format!("one of {}", listed(ids.clone(), 24)));
        r.report("kind", flaw.hint("`ledgerlab list` says what each of them is"));
    }
    let spec = r.read("kind", |node| {
        let id = scalar::text(node, "ehr")?;
        WorkloadSpec::new(name, &id).map_err(|_| scalar::unknown_word(&id, ids.clone(), "a workload"))
    });
    let Some(mut spec) = spec else {
        r.accept_rest();
        return None;
    };
    r.note("kind", spec.kind.id);
    hospitals(r, &mut spec, organisations);
    spec.multiplier = r.number("multiplier", 1.0, 0.0..=MAX_FACTOR);
    spec.arrival = arrival(r);
    for param in spec.kind.params {
        let value = parameter(r, param);
        spec.set(param.name, value).expect("the reader keeps a parameter's type and limits");
    }
    if let Err(error) = spec.check() {
        report_check(r, &spec, &error);
    }
    Some(spec)
}

/// A kind that sends so much for each hospital has no default for their number.
fn hospitals(r: &mut Reader<'_, '_>, spec: &mut WorkloadSpec, organisations: u64) {
    const EXAMPLE: &str = "write hospitals = 20";
    let limits = 1..=u64::from(MAX_HOSPITALS);
    spec.hospitals = if spec.kind.per_hospital {
        if !r.has("hospitals") {
            let flaw = Flaw::new("a workload without hospitals");
            r.report("hospitals", flaw.limit(format!("at least 1 and at most {MAX_HOSPITALS}")).hint(EXAMPLE));
        }
        r.required_count("hospitals", EXAMPLE, limits).unwrap_or(organisations) as u32
    } else {
        r.count("hospitals", organisations, limits) as u32
    };
}

fn arrival(r: &mut Reader<'_, '_>) -> ArrivalMode {
    let mode = r.read("arrival", |node| {
        let text = scalar::text(node, "open")?;
        if text == "open" {
            return Ok(ArrivalMode::Open);
        }
        let Some((clients, think)) = text.strip_prefix("closed:").and_then(|t| t.split_once('/')) else {
            let flaw =
                Flaw::new(format!("there is no arrival `{text}`")).limit("open, or closed:<clients>/<think time>");
            return Err(flaw.hint("write it as \"closed:1000/0 s\""));
        };
        let think_ns = TIME.parse(think)?;
        match clients.trim().parse::<u32>() {
            Ok(clients) if (1..=MAX_CLIENTS).contains(&clients) => Ok(ArrivalMode::Closed { clients, think_ns }),
            _ => {
                let flaw = Flaw::new(format!("`{clients}` is not a number of clients"));
                let flaw = flaw.limit(format!("at least 1 and at most {MAX_CLIENTS}"));
                Err(flaw.hint("write it as \"closed:1000/0 s\""))
            }
        }
    });
    let mode = mode.unwrap_or_default();
    r.note(
        "arrival",
        match mode {
            ArrivalMode::Open => "open".to_owned(),
            ArrivalMode::Closed { clients, think_ns } => format!("closed:{clients}/{}", TIME.show(think_ns)),
        },
    );
    mode
}

/// A parameter as it is declared.
fn parameter(r: &mut Reader<'_, '_>, param: &Param) -> ParamValue {
    use ParamValue::{Bytes, Count, Flag, Number, Share, Span, Word};
    let name = param.name;
    match (param.default, param.limits) {
        (Number(d), Some((Number(low), Number(high)))) => Number(r.number(name, d, low..=high)),
        (Number(d), _) => Number(r.number(name, d, f64::MIN..=f64::MAX)),
        (Share(d), Some((Share(low), Share(high)))) => Share(r.number(name, d, low..=high)),
        (Share(d), _) => Share(r.number(name, d, 0.0..=1.0)),
        (Count(d), Some((Count(low), Count(high)))) => Count(r.count(name, d, low..=high)),
        (Count(d), _) => Count(r.count(name, d, 0..=u64::MAX)),
        (Bytes(d), Some((Bytes(low), Bytes(high)))) => Bytes(r.quantity(name, &SIZE, d, low..=high)),
        (Bytes(d), _) => Bytes(r.quantity(name, &SIZE, d, 0..=u64::MAX)),
        (Span(d), Some((Span(low), Span(high)))) => Span(r.quantity(name, &TIME, d, low..=high)),
        (Span(d), _) => Span(r.quantity(name, &TIME, d, 0..=u64::MAX)),
        (Flag(d), _) => Flag(r.flag(name, d)),
        (Word(d), _) => Word(r.word(name, d, param.words)),
    }
}

/// What the kind itself finds wrong with its parameters together.
fn report_check(r: &mut Reader<'_, '_>, spec: &WorkloadSpec, error: &ledgerlab_workloads::WorkloadError) {
    let prefix = format!("workload `{}`: ", spec.name);
    let text = error.to_string();
    let flaw = Flaw::new(text.strip_prefix(&prefix).unwrap_or(&text)).hint("`ledgerlab list` shows the defaults");
    r.report(error.key().unwrap_or(""), flaw);
}

/// A parameter's value as a scenario writes it.
pub fn show_param(param: &Param, value: ParamValue) -> String {
    match value {
        ParamValue::Span(ns) => TIME.show(ns),
        ParamValue::Bytes(bytes) => SIZE.show(bytes),
        ParamValue::Count(count) => count.to_string(),
        ParamValue::Number(x) | ParamValue::Share(x) => x.to_string(),
        ParamValue::Flag(flag) => flag.to_string(),
        ParamValue::Word(i) => param.words.get(i).copied().unwrap_or("?").to_owned(),
    }
}

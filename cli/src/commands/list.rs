//! `ledgerlab list`: what can be chosen in a scenario, from the registries themselves.

use ledgerlab_consensus::{Finality, Knob, KnobValue};
use ledgerlab_sim::network::tables;
use ledgerlab_sim::scenario::{ProtocolFacts, fault_bound, protocols, show_knob, show_param};
use ledgerlab_sim::storage::VARIANTS;
use ledgerlab_workloads::{KINDS, Param, WorkloadKind};
use serde_json::{Value, json};

use crate::args::ListArgs;
use crate::error::{Error, Exit};
use crate::print::{self, columns};

/// Prints everything.
///
/// # Errors
/// If standard output cannot be written.
pub fn list(args: &ListArgs) -> Result<Exit, Error> {
    print::out(&if args.json { format!("{:#}", document()) } else { text() })?;
    Ok(Exit::Fine)
}

fn text() -> String {
    let sections = [
        ("Protocols", protocol_rows()),
        ("Workloads", workload_rows()),
        ("Storage", storage_rows()),
        ("Latency tables", table_rows()),
    ];
    let mut text = Vec::new();
    for (title, rows) in sections {
        text.push(format!("{title}\n{}\n", indented(&columns(&rows))));
    }
    text.push("Settings of protocols, in [consensus.<protocol>]".to_owned());
    for facts in protocols() {
        text.push(format!("  {}\n{}", facts.info.id, indented(&indented(&columns(&knob_rows(&facts))))));
    }
    text.push("\nSettings of workloads, in [workload.<name>]".to_owned());
    for kind in KINDS {
        text.push(format!("  {}\n{}", kind.id, indented(&indented(&columns(&param_rows(kind))))));
    }
    text.join("\n")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn protocol_rows() -> Vec<Vec<String>> {
    let mut rows = vec![row(["id", "family", "faults", "finality", "quorum", "paper"])];
    for ProtocolFacts { info, .. } in protocols() {
        let finality = finality(info.finality);
        rows.push(row([info.id, info.family.name(), fault_bound(info.faults), &finality, info.quorum, info.paper]));
    }
    rows
}

fn finality(finality: Finality) -> String {
    match finality {
        Finality::Deterministic => "certificate".to_owned(),
        Finality::Probabilistic { depth } => format!("depth {depth}"),
    }
}

fn knob_rows(facts: &ProtocolFacts) -> Vec<Vec<String>> {
    let row = |knob: &Knob| {
        let consortium = knob.consortium.map(|v| format!("consortium {}", show_knob(knob, v))).unwrap_or_default();
        vec![knob.name.to_owned(), show_knob(knob, knob.default), consortium, knob.doc.to_owned()]
    };
    facts.knobs.iter().map(row).collect()
}

fn workload_rows() -> Vec<Vec<String>> {
    KINDS.iter().map(|k| row([k.id, k.doc])).collect()
}

fn param_rows(kind: &WorkloadKind) -> Vec<Vec<String>> {
    kind.params.iter().map(|p| row([p.name, &show_param(p, p.default), p.doc])).collect()
}

fn storage_rows() -> Vec<Vec<String>> {
    VARIANTS.iter().map(|v| row([v.id, v.doc])).collect()
}

fn table_rows() -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for table in tables::NAMES.iter().filter_map(|name| tables::named(name)) {
        rows.push(row([&table.name, &table.source]));
        rows.push(row(["", &table.regions.join(", ")]));
    }
    rows.push(row(["constant:10 ms", "the same round trip between any two nodes, without jitter"]));
    rows.push(row(["<file>.csv", "round trips in milliseconds from a file"]));
    rows
}

fn document() -> Value {
    json!({
        "protocols": protocols().iter().map(protocol_json).collect::<Vec<_>>(),
        "workloads": KINDS.iter().map(|kind| workload_json(kind)).collect::<Vec<_>>(),
        "storage": VARIANTS.iter().map(|v| json!({ "id": v.id, "doc": v.doc })).collect::<Vec<_>>(),
        "rtt": tables::NAMES.iter().filter_map(|name| tables::named(name)).map(|table| json!({
            "id": table.name, "source": table.source, "regions": table.regions,
        })).collect::<Vec<_>>(),
    })
}

fn protocol_json(facts: &ProtocolFacts) -> Value {
    let info = &facts.info;
    json!({
        "id": info.id,
        "name": info.name,
        "family": info.family.name(),
        "paper": info.paper,
        "faults": fault_bound(info.faults),
        "quorum": info.quorum,
        "finality": finality(info.finality),
        "knobs": facts.knobs.iter().map(knob_json).collect::<Vec<_>>(),
    })
}

fn knob_json(knob: &Knob) -> Value {
    let show = |value: KnobValue| show_knob(knob, value);
    json!({
        "name": knob.name,
        "doc": knob.doc,
        "default": show(knob.default),
        "consortium": knob.consortium.map(show),
        "limits": knob.limits.map(|(low, high)| [show(low), show(high)]),
        "words": knob.words,
    })
}

fn workload_json(kind: &WorkloadKind) -> Value {
    let param = |p: &Param| {
        json!({
            "name": p.name,
            "doc": p.doc,
            "source": p.source,
            "default": show_param(p, p.default),
            "limits": p.limits.map(|(low, high)| [show_param(p, low), show_param(p, high)]),
            "words": p.words,
        })
    };
    json!({
        "id": kind.id,
        "doc": kind.doc,
        "per_hospital": kind.per_hospital,
        "params": kind.params.iter().map(param).collect::<Vec<_>>(),
        "records": kind.records.iter().map(|r| json!({ "name": r.name, "doc": r.doc })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registered_thing_is_listed() {
        let (text, document) = (text(), document());
        for facts in protocols() {
            assert!(text.contains(facts.info.paper), "{} in the text", facts.info.id);
        }
        for kind in KINDS {
            assert!(text.contains(kind.doc), "{} in the text", kind.id);
        }
        assert_eq!(document["protocols"].as_array().map(Vec::len), Some(protocols().len()));
        assert_eq!(document["rtt"][0]["regions"].as_array().map(Vec::len), Some(17));
    }
}

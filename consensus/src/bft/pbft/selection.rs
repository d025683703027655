//! What a new view starts from, computed from a quorum of view changes: the same at every replica.
//!
//! **Rule.** Start from the highest proven block. Then go through all prepared certificates of the view changes, from
//! the highest (view, height) down; one that is higher than the chain so far, and whose sender's chain goes through
//! the chain's end, extends it by the sender's blocks.
//!
//! **No committed block is lost.** Let block B be committed at height n in view v; every later view's chain has B.
//! Some honest replica of the quorum voted to commit B; it reports the proof of B or of a block above, or a
//! certificate of B in view v or later, because a replica forgets a certificate only for another block of a chain
//! that this rule has chosen. Certificates of views w >= v are compatible with B, that is on one chain with it: for
//! w > v by induction, since each is for an ancestor or descendant in the chain of view w; for w = v because an
//! honest replica in both quorums accepted B and the other block in view v, and accepts blocks of a view only on
//! top of one another. So whatever the rule has chosen when it comes to the report of B is compatible with B:
//! it either has B or is an ancestor of B, and then that report's chain goes through its end and extends it to B.
//!
//! **No gaps.** A link of a chain holds the digest of the one below, so every chain is contiguous by construction; a
//! prepared block brings its ancestors, and a quorum holds their payloads, because accepting a block means to hold
//! its payload and to have accepted all of them.

use std::sync::Arc;

use super::block::Header;
use super::message::{CHECKPOINT, COMMIT, PREPARE, short};
use super::view_message::{Link, ViewChange};
use crate::protocol::Validators;
use crate::types::{Digest, Hashing, Stake, Tip, ValidatorId, View};

/// What a view change is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The validators.
    pub validators: &'a Validators,
    /// Weight of a quorum.
    pub quorum: Stake,
    /// Digest function.
    pub hashing: Hashing,
    /// Most blocks above the base.
    pub window: u64,
}

/// Why a view change is refused; signatures have been checked by the host.
pub fn check(vote: &ViewChange, rules: &Rules<'_>) -> Result<(), &'static str> {
    if vote.by.0 as usize >= rules.validators.len() || vote.view == 0 || short(vote.view) == u32::MAX {
        return Err("a view change by nobody or to no view");
    }
    if vote.digest != vote.content(rules.hashing) {
        return Err("a view change that does not match its digest");
    }
    check_base(vote, rules)?;
    if vote.chain.len() as u64 > rules.window || vote.chain.last().is_some_and(|l| l.prepared.is_none()) {
        return Err("a view change with blocks that are not prepared, or too many");
    }
    let mut end = vote.base;
    for link in &vote.chain {
        let h = &link.header;
        if Some(h.height) != end.height.checked_add(1) || h.parent != end.block || !h.is_sound(rules.hashing) {
            return Err("a view change whose blocks are not a chain");
        }
        check_link(link, vote.view, rules)?;
        end = h.tip();
    }
    Ok(())
}

fn check_base(vote: &ViewChange, rules: &Rules<'_>) -> Result<(), &'static str> {
    let good = match &vote.proof {
        None => vote.base == Tip::default(),
        Some(c) => {
            matches!(c.what.kind, COMMIT | CHECKPOINT)
                && (c.what.major, c.what.value) == (vote.base.height, vote.base.block)
                && vote.base.height > 0
                && c.signers.weight(rules.validators) >= rules.quorum
        }
    };
    if good { Ok(()) } else { Err("a view change whose base is not proven") }
}

fn check_link(link: &Link, view: View, rules: &Rules<'_>) -> Result<(), &'static str> {
    let Some(c) = &link.prepared else { return Ok(()) };
    let leader = ValidatorId((c.what.minor % rules.validators.len() as u64) as u32);
    let same = (c.what.kind, c.what.major, c.what.value) == (PREPARE, link.header.height, link.header.block);
    let others = c.signers.iter().filter(|v| *v != leader).map(|v| rules.validators.stake(v).0);
    let weight = others.fold(rules.validators.stake(leader).0, u64::saturating_add);
    if !same || link.leader != leader || c.what.minor >= view || Stake(weight) < rules.quorum {
        return Err("a view change with a certificate that proves nothing");
    }
    Ok(())
}

/// The view change with the highest proven block; the first of equals.
///
/// # Panics
/// If there are none.
pub fn base(votes: &[Arc<ViewChange>]) -> &ViewChange {
    let best = votes.iter().reduce(|a, b| if b.base.height > a.base.height { b } else { a });
    best.expect("a new view rests on view changes")
}

/// The blocks above the base that the new view proposes again. All votes have been checked.
pub fn select(votes: &[Arc<ViewChange>]) -> Vec<Header> {
    let mut end = base(votes).base;
    let prepared = |l: &Link| l.prepared.as_ref().map(|c| (c.what.minor, c.what.major));
    let mut reports: Vec<((View, u64), usize)> = vec![];
    for (i, vote) in votes.iter().enumerate() {
        reports.extend(vote.chain.iter().filter_map(prepared).map(|at| (at, i)));
    }
    reports.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut chain = vec![];
    for ((_, height), i) in reports {
        let above = votes[i].chain.iter().filter(|l| l.header.height > end.height && l.header.height <= height);
        let more: Vec<Header> = above.map(|l| l.header).collect();
        let extends = |at: Tip, h: &Header| h.height == at.height + 1 && h.parent == at.block;
        if let (Some(first), Some(last)) = (more.first(), more.last())
            && extends(end, first)
        {
            end = last.tip();
            chain.extend(more);
        }
    }
    chain
}

/// The block that a chain above `base` has at a height.
pub fn block_at(base: Tip, chain: &[Header], height: u64) -> Option<Digest> {
    if height == base.height {
        return Some(base.block);
    }
    chain.get(height.checked_sub(base.height + 1)? as usize).map(|h| h.block)
}

//! One replica, block by block: what is adopted, reverted, fetched, refused and raced on.

use std::sync::Arc;

use super::{env, message, on_top, settings};
use crate::effect::{Effect, Effects};
use crate::pow::nakamoto::block::Block;
use crate::pow::nakamoto::{Config, Nakamoto};
use crate::protocol::{Protocol, Validators};
use crate::testkit::solo::Step::{Adopt, Revert};
use crate::testkit::solo::{Solo, fetched, refused, steps};
use crate::types::{Hashing, NodeId, Span, Tip};

const PEER: NodeId = NodeId(1);

struct Bench {
    node: Solo<Nakamoto>,
    config: Config,
}

impl Bench {
    fn new() -> Bench {
        let validators = Arc::new(Validators::equal(4));
        let config = Nakamoto::configure(&settings(), &validators);
        let mut node = Solo::<Nakamoto>::open(env(0, &validators), &config, vec![], Tip::default());
        node.call(|r, cx| r.on_start(cx));
        Bench { node, config }
    }
    /// A chain of `n` blocks by a miner, on top of another block.
    fn chain(&self, below: Option<&Arc<Block>>, n: usize, miner: u32) -> Vec<Arc<Block>> {
        let mut all: Vec<Arc<Block>> = vec![];
        for _ in 0..n {
            let b = on_top(&self.config, all.last().or(below).map(|b| &**b), Span::millis(1), miner);
            all.push(b);
        }
        all
    }
    fn take(&mut self, b: &Arc<Block>) -> Effects<Nakamoto> {
        self.node.call(|r, cx| r.on_message(PEER, &message(b), cx))
    }
}

fn gossips(out: &Effects<Nakamoto>) -> usize {
    out.list.iter().filter(|e| matches!(e, Effect::Send { .. })).count()
}

fn races(out: &Effects<Nakamoto>) -> usize {
    out.list.iter().filter(|e| matches!(e, Effect::Mine { .. })).count()
}

#[test]
fn a_longer_branch_reverts_once_and_adopts_each_block() {
    let mut b = Bench::new();
    let trunk = b.chain(None, 2, 1);
    let (a, c) = (b.chain(Some(&trunk[1]), 2, 2), b.chain(Some(&trunk[1]), 3, 3));
    for (i, x) in trunk.iter().chain(&a).enumerate() {
        let out = b.take(x);
        assert_eq!(steps(&out), [Adopt(i as u64 + 1, x.id)]);
        assert_eq!((gossips(&out), races(&out)), (1, 1), "adopted, relayed and raced on");
    }
    for x in &c[..2] {
        let out = b.take(x);
        assert_eq!((steps(&out), gossips(&out), races(&out)), (vec![], 0, 0), "as heavy at most, but seen later");
    }
    let out = b.take(&c[2]);
    assert_eq!(steps(&out), [Revert(2), Adopt(3, c[0].id), Adopt(4, c[1].id), Adopt(5, c[2].id)]);
    assert_eq!((gossips(&out), races(&out)), (3, 1));
    let out = b.take(&c[2]);
    assert!(out.list.iter().all(|e| matches!(e, Effect::Charge(_))), "a block that is known does nothing");
}

#[test]
fn missing_parents_are_fetched_one_below_the_other_and_then_all_adopted() {
    let mut b = Bench::new();
    let c = b.chain(None, 4, 1);
    for i in (1..4).rev() {
        let out = b.take(&c[i]);
        assert_eq!((steps(&out), fetched(&out)), (vec![], vec![c[i - 1].id]));
    }
    let out = b.take(&c[0]);
    let all: Vec<_> = c.iter().map(|x| Adopt(x.header.height, x.id)).collect();
    assert_eq!(steps(&out), all);
    assert_eq!(races(&out), 1);
}

#[test]
fn a_gap_of_more_than_twice_k_is_closed_by_a_copy_of_the_ledger() {
    let mut b = Bench::new();
    let c = b.chain(None, 16, 1);
    let out = b.take(&c[11]);
    assert_eq!(fetched(&out), [c[10].id], "12 behind is not far");
    let out = b.take(&c[12]);
    let sync =
        out.list.iter().find_map(|e| if let Effect::Sync { tip, hint } = e { Some((*tip, *hint)) } else { None });
    assert_eq!(sync, Some((Tip { height: 13, block: c[12].id }, PEER)));
    assert!(out.list.iter().any(|e| matches!(e, Effect::StopMining)), "nothing is mined on an old head");
    // The peer's ledger has moved on meanwhile, to a block that nobody has sent.
    let out = b.node.call(|r, cx| r.on_state(Tip { height: 15, block: c[14].id }, cx));
    assert_eq!((steps(&out), fetched(&out)), (vec![], vec![c[14].id]));
    assert_eq!(fetched(&b.take(&c[15])), [c[14].id], "asked for again");
    let out = b.take(&c[14]);
    assert_eq!(steps(&out), [Adopt(16, c[15].id)], "the ledger has the rest already");
    assert_eq!(races(&out), 1);
    assert!(b.node.replica.serve(c[14].id).is_some() && b.node.replica.serve(c[9].id).is_none());
}

#[test]
fn a_copied_ledger_may_end_on_a_branch_that_loses() {
    let mut b = Bench::new();
    let trunk = b.chain(None, 20, 1);
    let (a, c) = (b.chain(Some(&trunk[19]), 2, 2), b.chain(Some(&trunk[19]), 3, 3));
    b.take(&c[2]);
    b.node.call(|r, cx| r.on_state(Tip { height: 22, block: a[1].id }, cx));
    // The better branch waits for its missing blocks, and the copied one is followed down to where they meet.
    let mut steps_taken = vec![];
    let mut wanted = vec![a[1].clone()];
    let all: Vec<_> = trunk.iter().chain(&a).chain(&c).collect();
    while let Some(x) = wanted.pop() {
        let out = b.take(&x);
        steps_taken.extend(steps(&out));
        let found = fetched(&out).into_iter().map(|key| all.iter().find(|x| x.id == key).expect("it exists"));
        wanted.extend(found.map(|x| (*x).clone()));
        wanted.retain(|x| b.node.replica.serve(x.id).is_none());
    }
    assert_eq!(steps_taken, [Revert(20), Adopt(21, c[0].id), Adopt(22, c[1].id), Adopt(23, c[2].id)]);
}

#[test]
fn an_own_block_is_built_on_the_head_and_a_stale_win_is_dropped() {
    let mut b = Bench::new();
    let c = b.chain(None, 2, 1);
    let ticket = |out: &Effects<Nakamoto>| {
        out.list.iter().find_map(|e| if let Effect::Mine { ticket, .. } = e { Some(*ticket) } else { None })
    };
    let first = ticket(&b.take(&c[0])).expect("a race");
    let asked = b.node.call(|r, cx| r.on_mined(first, cx));
    b.take(&c[1]);
    let late = b.node.supply(&asked, 1);
    assert!(matches!(late.list[..], [Effect::Drop { .. }]), "the head moved while the payload was built");
    assert!(b.node.call(|r, cx| r.on_mined(first, cx)).list.is_empty(), "an old ticket wins nothing");
    let x = on_top(&b.config, Some(&c[1]), Span::millis(1), 1);
    let asked = ticket(&b.take(&x)).map(|t| b.node.call(|r, cx| r.on_mined(t, cx))).expect("a race");
    let out = b.node.supply(&asked, 2);
    let own = b.node.replica.chain.head().map(|h| h.block.clone()).expect("a head");
    assert_eq!(steps(&out), [Adopt(4, own.id)]);
    assert_eq!((own.header.parent, own.header.miner.0, gossips(&out), races(&out)), (x.id, 0, 1, 1));
}

#[test]
fn headers_that_break_a_rule_are_refused() {
    let mut b = Bench::new();
    let good = on_top(&b.config, None, Span::secs(1), 1);
    let with = |change: &dyn Fn(&mut Block)| {
        let mut x = (*good).clone();
        change(&mut x);
        Arc::new(Block::new(x.header, Hashing::Mix))
    };
    let cases = [
        (with(&|x| x.header.difficulty -= 1), "another difficulty than the retarget rule gives"),
        (with(&|x| x.header.work += 1), "another total work than the parent's plus its own"),
        (with(&|x| x.header.height = 2), "a height that is not its parent's plus one"),
        (with(&|x| x.header.height = 0), "a second genesis"),
        (with(&|x| x.header.window.0 = 1), "another start of the retarget window"),
        (with(&|x| x.header.time.0 = 0), "a time not after the median of the last 11 blocks"),
    ];
    for (x, why) in cases {
        assert_eq!(refused(&b.take(&x)), [why]);
    }
    let mut renamed = (*good).clone();
    renamed.id.0[0] ^= 1;
    assert_eq!(refused(&b.take(&Arc::new(renamed))), ["an id that is not the header's digest"]);
    assert_eq!(steps(&b.take(&good)), [Adopt(1, good.id)]);
}

#[test]
fn the_tree_stays_within_its_window() {
    let mut b = Bench::new();
    let c = b.chain(None, 2_000, 1);
    let mut lowest = 0;
    for x in &c {
        for e in b.take(x).list {
            if let Effect::Prune { below } = e {
                assert!(below > lowest);
                lowest = below;
            }
        }
        assert!(b.node.replica.chain.tree().len() as u64 <= 2 * super::super::KEEP + 1);
    }
    assert!(lowest >= 2_000 - 2 * super::super::KEEP);
}

#[test]
fn an_own_block_that_comes_back_is_logged_like_any_other() {
    // Its record was lost in a crash after it had been gossiped.
    let mut b = Bench::new();
    let own = b.chain(None, 1, 0);
    let above = b.chain(Some(&own[0]), 2, 1);
    own.iter().chain(&above).for_each(|x| {
        b.take(x);
    });
    let log: Vec<_> = b.node.log.numbered().map(|(_, x)| x).collect();
    let env = env(0, &Arc::new(Validators::equal(4)));
    let again = Solo::<Nakamoto>::open(env, &b.config, log, above[1].tip());
    assert_eq!(again.replica.chain.tree().root().height, 0, "the tree reaches down to genesis");
}

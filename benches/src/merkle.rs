//! SHA-256 Merkle roots of blocks (RFC 6962), for what real integrity costs beside the accounting of a run.

use sha2::{Digest, Sha256};

/// The root over 32-byte transaction ids, in their order.
pub fn root(ids: impl Iterator<Item = [u8; 32]>) -> [u8; 32] {
    // A stack of perfect subtrees, as high as the bits of the count that are set.
    let mut stack: Vec<[u8; 32]> = vec![];
    for (i, id) in ids.enumerate() {
        let mut node = hash(0, &[&id]);
        for _ in 0..(i as u64).trailing_ones() {
            let left = stack.pop().expect("a subtree for each bit");
            node = hash(1, &[&left, &node]);
        }
        stack.push(node);
    }
    let last = stack.pop().unwrap_or_else(|| Sha256::digest([]).into());
    stack.into_iter().rev().fold(last, |right, left| hash(1, &[&left, &right]))
}

/// Leaves and nodes are told apart by their first byte.
fn hash(domain: u8, parts: &[&[u8; 32]]) -> [u8; 32] {
    let mut h = Sha256::new_with_prefix([domain]);
    parts.iter().for_each(|p| h.update(p));
    h.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(i: u8) -> [u8; 32] {
        [i; 32]
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        let [a, b, c] = [1, 2, 3].map(|i| hash(0, &[&leaf(i)]));
        assert_eq!(root((1..=1).map(leaf)), a);
        assert_eq!(root((1..=2).map(leaf)), hash(1, &[&a, &b]));
        assert_eq!(root((1..=3).map(leaf)), hash(1, &[&hash(1, &[&a, &b]), &c]));
        let five = |i: u8| hash(0, &[&leaf(i)]);
        let left = hash(1, &[&hash(1, &[&five(1), &five(2)]), &hash(1, &[&five(3), &five(4)])]);
        assert_eq!(root((1..=5).map(leaf)), hash(1, &[&left, &five(5)]));
    }

    #[test]
    fn the_empty_root_is_the_hash_of_nothing() {
        assert_eq!(root(std::iter::empty())[..4], [0xE3, 0xB0, 0xC4, 0x42]);
    }
}

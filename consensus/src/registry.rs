//! The one list of protocols, visited generically: dispatch is static, nobody else names a protocol's type.

use std::fmt::Debug;

use crate::protocol::Protocol;

/// Something to do for one protocol, whichever it is.
pub trait Visitor {
    /// The result.
    type Output;
    /// Does it.
    fn visit<P: Protocol>(self) -> Self::Output;
}

/// As [`Visitor`], for what looks at all that a replica knows.
pub trait Examiner {
    /// Does it.
    fn examine<P: Protocol + Debug>(self);
}

macro_rules! registry {
    ($($protocol:ty),* $(,)?) => {
        /// Ids of all protocols, in the order of the list.
        pub const IDS: &[&str] = &[$(<$protocol as Protocol>::INFO.id),*];

        /// Visits the protocol with this id; `None` where there is none.
        pub fn visit<V: Visitor>(id: &str, visitor: V) -> Option<V::Output> {
            $( if id == <$protocol as Protocol>::INFO.id { return Some(visitor.visit::<$protocol>()); } )*
            let _ = visitor;
            None
        }

        /// Examines every protocol of the list.
        pub fn examine<E: Examiner + Clone>(examiner: E) {
            $( examiner.clone().examine::<$protocol>(); )*
        }
    };
}

registry![
    crate::pow::nakamoto::Nakamoto,
    crate::pos::praos::Praos,
    crate::bft::pbft::Pbft,
    crate::bft::hotstuff::HotStuff,
    crate::central::Central,
];

//! Byzantine fault tolerant protocols with votes.

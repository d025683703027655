//! What most of very many equal things never use: they share one default, until one of them changes its own.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A value that is copied when it is first changed. Its clones share it until then.
#[derive(Clone, Debug, Default)]
pub struct Seldom<T>(Arc<T>);

impl<T> Deref for Seldom<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Seldom<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_what_none_has_changed() {
        let mut all = vec![Seldom::<Vec<u32>>::default(); 3];
        all[1].push(7);
        assert_eq!((all[0].len(), all[1].len(), all[2].len()), (0, 1, 0));
        assert!(Arc::ptr_eq(&all[0].0, &all[2].0) && !Arc::ptr_eq(&all[0].0, &all[1].0));
    }
}

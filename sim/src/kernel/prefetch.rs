//! Fetching state into the caches before it is needed.
//!
//! A hint to the processor that changes no result. On other processors than x86-64 it does nothing.

/// Bytes of a cache line.
const LINE: usize = 64;

/// Asks for the cache line where `items[index]` begins; does nothing if there is none.
#[inline(always)]
pub fn prefetch<T>(items: &[T], index: usize) {
    prefetch_lines(items, index, 1);
}

/// Asks for the first cache lines of `items[index]`, at most so many; does nothing if there is none.
#[inline(always)]
pub fn prefetch_lines<T>(items: &[T], index: usize, most: usize) {
    if let Some(item) = items.get(index) {
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "the intrinsic has no safe form")]
        // SAFETY: the instruction reads nothing that the program could see and never faults, whatever the address.
        // Every x86-64 processor has it (SSE).
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let start: *const i8 = std::ptr::from_ref(item).cast();
            (0..size_of::<T>().max(1))
                .step_by(LINE)
                .take(most)
                .for_each(|at| _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(at)));
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (item, most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_place_may_be_asked_for() {
        let items = [[1_u64; 4]; 3];
        (0..5).for_each(|i| prefetch(&items, i));
        (0..5).for_each(|i| prefetch_lines(&items, i, 3));
        prefetch::<u64>(&[], 0);
        prefetch(&[(); 4], 2);
        assert_eq!(items, [[1; 4]; 3]);
    }
}

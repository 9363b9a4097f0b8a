//! What the system's allocator keeps of freed memory, and giving it back.
//!
//! A crate of its own, because it holds the only `unsafe` of the project.

/// Gives memory that was freed back to the system. Takes some ten milliseconds for some hundred megabytes, in which other
/// threads may have to wait for memory: for a quiet moment after a burst.
///
/// The allocator of glibc keeps what lies below anything that is still in use, which after thousands of connections is
/// nearly all. Others give memory back by themselves: there this does nothing.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[expect(unsafe_code, reason = "there is no safe way to say this to glibc")]
        // SAFETY: it takes no pointer, may be called from any thread at any time, and leaves what is in use alone.
        unsafe {
            // Whether anything was given back makes no difference.
            libc::malloc_trim(0);
        }
    }
}

/// From now on, blocks of 256 KiB and more go back to the system when they are freed. To be called before the work begins.
///
/// The allocator of glibc gets used to large blocks: once one of 20 MiB was freed, it keeps all up to that size for the
/// next, wherever they lie. Others give memory back by themselves: there this does nothing.
pub fn give_large_blocks_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const LARGE: libc::c_int = 256 * 1024;
        // Freed memory at the end of what is in use that is kept all the same: asking for it again and again costs time.
        const KEPT: libc::c_int = 16 * 1024 * 1024;
        #[expect(unsafe_code, reason = "there is no safe way to say this to glibc")]
        // SAFETY: it takes no pointer, and changes where later blocks come from. What it cannot set stays as it was.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        }
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// The tests look at what the whole process takes: one at a time.
    static MEASURING: Mutex<()> = Mutex::new(());

    fn anonymous_bytes() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
    }

    #[test]
    fn large_blocks_go_back_when_they_are_freed() {
        let _measuring = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
        const SIZE: usize = 1024 * 1024;
        give_large_blocks_back();
        // What the allocator would have got used to.
        drop(vec![1_u8; 20 * SIZE]);
        let mut burst: Vec<_> = (0..64).map(|_| vec![1_u8; SIZE]).collect();
        let last = burst.pop();
        let held = anonymous_bytes();
        drop(burst);
        let left = anonymous_bytes();
        assert!(left + 48 * SIZE < held, "{held} bytes were held, {left} are left");
        drop(last);
    }

    #[test]
    fn what_was_freed_below_what_is_in_use_goes_back() {
        let _measuring = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
        const SIZE: usize = 4096;
        let mut burst: Vec<_> = (0..16 * 1024).map(|_| vec![1_u8; SIZE]).collect();
        let last = burst.pop();
        drop(burst);
        let kept = anonymous_bytes();
        give_back();
        let left = anonymous_bytes();
        assert!(left + 48 * 1024 * 1024 < kept, "{kept} bytes were kept, {left} are left");
        drop(last);
    }
}

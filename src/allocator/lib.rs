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

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    fn anonymous_bytes() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
    }

    #[test]
    fn what_was_freed_below_what_is_in_use_goes_back() {
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

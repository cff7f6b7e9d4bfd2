//! PAM, loaded at run time: libpam.so.0 by dlopen(3), so that the build needs
//! no headers and the program starts where there is no PAM.
//!
//! The functions are those of pam(3) as Linux-PAM has them. The conversation
//! (pam_conv(3)) never asks anybody: it answers from a name and a password,
//! and keeps what the modules said for the log. Leaves to others: which calls
//! to make in which order, and what a refusal means.

mod conversation;

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::time::Duration;

use self::conversation::{Conv, Conversation, note_delay};

/// PAM_SUCCESS.
pub const SUCCESS: i32 = 0;
/// PAM_DISALLOW_NULL_AUTHTOK: an account without a password is refused, even
/// where pam_unix has `nullok`.
pub const DISALLOW_NULL_AUTHTOK: i32 = 1;

const ESTABLISH_CRED: c_int = 2;
const DELETE_CRED: c_int = 4;
const ITEM_USER: c_int = 2;
const ITEM_FAIL_DELAY: c_int = 10;

/// What an application tells about a log-in (pam_set_item(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// PAM_TTY.
    Tty = 3,
    /// PAM_RHOST.
    RemoteHost = 4,
    /// PAM_RUSER.
    RemoteUser = 8,
}

/// What libpam returned in place of PAM_SUCCESS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub i32);

/// A pam_handle_t.
type Handle = *mut c_void;

type Step = unsafe extern "C" fn(Handle, c_int) -> c_int;

/// libpam, found and loaded; it stays loaded for good.
#[derive(Clone, Copy)]
pub struct Library {
    start: unsafe extern "C" fn(*const c_char, *const c_char, *const Conv, *mut Handle) -> c_int,
    set_item: unsafe extern "C" fn(Handle, c_int, *const c_void) -> c_int,
    get_item: unsafe extern "C" fn(Handle, c_int, *mut *const c_void) -> c_int,
    strerror: unsafe extern "C" fn(Handle, c_int) -> *const c_char,
    authenticate: Step,
    acct_mgmt: Step,
    setcred: Step,
    open_session: Step,
    close_session: Step,
    end: Step,
}

impl Library {
    /// Loads the library `name`, which is `libpam.so.0` but for tests.
    ///
    /// Its symbols become visible to everything loaded later: some modules
    /// are not linked with libpam and count on the program for it.
    ///
    /// # Errors
    /// The loader's own words.
    pub fn load(name: &CStr) -> Result<Library, String> {
        // SAFETY: `name` ends in a NUL. The library's constructors run here;
        // that libpam's are sound is what loading it means.
        let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        if library.is_null() {
            return Err(loader_error());
        }
        // SAFETY: each name is one of libpam's functions, of the type that
        // pam(3) and the functions' own pages give, which is the field's; the
        // library is never unloaded, so the pointers stay good.
        unsafe {
            Ok(Library {
                start: symbol(library, c"pam_start")?,
                set_item: symbol(library, c"pam_set_item")?,
                get_item: symbol(library, c"pam_get_item")?,
                strerror: symbol(library, c"pam_strerror")?,
                authenticate: symbol(library, c"pam_authenticate")?,
                acct_mgmt: symbol(library, c"pam_acct_mgmt")?,
                setcred: symbol(library, c"pam_setcred")?,
                open_session: symbol(library, c"pam_open_session")?,
                close_session: symbol(library, c"pam_close_session")?,
                end: symbol(library, c"pam_end")?,
            })
        }
    }

    /// pam_start(3): reads the service's file and loads its modules.
    ///
    /// # Errors
    /// libpam's code.
    pub fn start(
        &self,
        service: &CStr,
        user: &CStr,
        password: Vec<u8>,
    ) -> Result<Transaction, Code> {
        let data = Box::into_raw(Box::new(Conversation::new(user, password)));
        // From here on the transaction owns `data`, also when this fails.
        let mut transaction = Transaction {
            library: *self,
            handle: ptr::null_mut(),
            data,
            last: SUCCESS,
        };
        let conv = Conv::new(data);
        // SAFETY: all pointers are to live values; libpam copies the strings
        // and `conv`, and what `conv.data` leads to lives until after pam_end.
        let code = unsafe {
            (self.start)(
                service.as_ptr(),
                user.as_ptr(),
                &raw const conv,
                &raw mut transaction.handle,
            )
        };
        if code == SUCCESS && !transaction.handle.is_null() {
            transaction.divert_delay()?;
            Ok(transaction)
        } else {
            Err(Code(code))
        }
    }

    /// pam_strerror(3): libpam's words for a code.
    #[must_use]
    pub fn words(&self, code: Code) -> String {
        // SAFETY: Linux-PAM ignores the handle, and returns a constant string
        // or a null pointer.
        unsafe {
            let text = (self.strerror)(ptr::null_mut(), code.0);
            if text.is_null() {
                String::new()
            } else {
                CStr::from_ptr(text).to_string_lossy().into_owned()
            }
        }
    }
}

/// dlerror(3) after a failure.
fn loader_error() -> String {
    // SAFETY: dlerror returns a null pointer or a string that stays good
    // until the next dl call of this thread.
    unsafe {
        let text = libc::dlerror();
        if text.is_null() {
            "unknown failure of the loader".into()
        } else {
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    }
}

/// The function `name` of a loaded library.
///
/// # Safety
/// `F` is the function's own type, a function pointer.
unsafe fn symbol<F: Copy>(library: *mut c_void, name: &CStr) -> Result<F, String> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: `library` came from dlopen and `name` ends in a NUL.
    let found = unsafe { libc::dlsym(library, name.as_ptr()) };
    if found.is_null() {
        return Err(loader_error());
    }
    // SAFETY: not null, of the same size, and by the caller's promise the
    // address of a function of type `F`.
    Ok(unsafe { std::mem::transmute_copy(&found) })
}

/// One log-in, from pam_start(3) to pam_end(3), which comes with its drop.
pub struct Transaction {
    library: Library,
    handle: Handle,
    data: *mut Conversation,
    last: c_int,
}

impl Transaction {
    /// pam_set_item(3).
    ///
    /// # Errors
    /// libpam's code.
    pub fn set(&mut self, item: Item, value: &CStr) -> Result<(), Code> {
        // SAFETY: the handle is live; these items are strings that libpam copies.
        let code =
            unsafe { (self.library.set_item)(self.handle, item as c_int, value.as_ptr().cast()) };
        self.done(code)
    }

    /// pam_authenticate(3): whether the user is who they say.
    ///
    /// # Errors
    /// libpam's code.
    pub fn authenticate(&mut self, flags: i32) -> Result<(), Code> {
        self.step(self.library.authenticate, flags)
    }

    /// pam_acct_mgmt(3): whether the account may be used now.
    ///
    /// # Errors
    /// libpam's code.
    pub fn account(&mut self, flags: i32) -> Result<(), Code> {
        self.step(self.library.acct_mgmt, flags)
    }

    /// pam_setcred(3) with PAM_ESTABLISH_CRED.
    ///
    /// # Errors
    /// libpam's code.
    pub fn establish_credentials(&mut self) -> Result<(), Code> {
        self.step(self.library.setcred, ESTABLISH_CRED)
    }

    /// pam_setcred(3) with PAM_DELETE_CRED.
    ///
    /// # Errors
    /// libpam's code.
    pub fn delete_credentials(&mut self) -> Result<(), Code> {
        self.step(self.library.setcred, DELETE_CRED)
    }

    /// pam_open_session(3).
    ///
    /// # Errors
    /// libpam's code.
    pub fn open_session(&mut self) -> Result<(), Code> {
        self.step(self.library.open_session, 0)
    }

    /// pam_close_session(3).
    ///
    /// # Errors
    /// libpam's code.
    pub fn close_session(&mut self) -> Result<(), Code> {
        self.step(self.library.close_session, 0)
    }

    /// PAM_USER: the name as the modules left it, which need not be the one
    /// that was given.
    #[must_use]
    pub fn user(&self) -> Option<CString> {
        let mut found: *const c_void = ptr::null();
        // SAFETY: the handle is live and `found` is a pointer for the call to set.
        let code = unsafe { (self.library.get_item)(self.handle, ITEM_USER, &raw mut found) };
        if code != SUCCESS || found.is_null() {
            return None;
        }
        // SAFETY: PAM_USER is a string of libpam's that lives until it is set anew.
        Some(unsafe { CStr::from_ptr(found.cast()) }.to_owned())
    }

    /// What the modules said, a line each; cut at 512 bytes.
    #[must_use]
    pub fn said(&self) -> Vec<u8> {
        // SAFETY: `data` lives as long as `self`, and no call of libpam's is
        // under way that could change it.
        unsafe { (*self.data).said.clone() }
    }

    /// The longest delay after a failure that a module asked for
    /// (pam_fail_delay(3)). Nothing here waits for it.
    #[must_use]
    pub fn delay(&self) -> Duration {
        // SAFETY: as above.
        Duration::from_micros(u64::from(unsafe { (*self.data).delay }))
    }

    /// Wipes the password; later prompts for it are answered with an error.
    pub fn forget_password(&mut self) {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe { (*self.data).forget() }
    }

    fn step(&mut self, function: Step, flags: c_int) -> Result<(), Code> {
        // SAFETY: the handle is live, and `function` is one of libpam's that
        // take a handle and flags.
        let code = unsafe { function(self.handle, flags) };
        self.done(code)
    }

    fn done(&mut self, code: c_int) -> Result<(), Code> {
        self.last = code;
        if code == SUCCESS {
            Ok(())
        } else {
            Err(Code(code))
        }
    }

    /// Keeps libpam from sleeping after a failure: it then calls
    /// [`note_delay`] instead.
    fn divert_delay(&mut self) -> Result<(), Code> {
        let function: unsafe extern "C" fn(c_int, c_uint, *mut c_void) = note_delay;
        // SAFETY: the handle is live, and PAM_FAIL_DELAY is a function of
        // this type by pam_fail_delay(3).
        let code = unsafe {
            (self.library.set_item)(self.handle, ITEM_FAIL_DELAY, function as *const c_void)
        };
        self.done(code)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            // SAFETY: the handle is live and not used again.
            unsafe { (self.library.end)(self.handle, self.last) };
        }
        // SAFETY: `data` came from Box::into_raw and only libpam, which is
        // done with it, had a copy.
        drop(unsafe { Box::from_raw(self.data) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_told_in_the_loaders_words() {
        let error = Library::load(c"libironftpd-none.so.0").err().unwrap();
        assert!(error.contains("libironftpd-none.so.0"), "{error}");
        // Found, and no PAM.
        let error = Library::load(c"libc.so.6").err().unwrap();
        assert!(error.contains("pam_start"), "{error}");
    }
}

//! PAM, loaded at run time: libpam.so.0 by dlopen(3), so that the build needs
//! no headers and the program starts where there is no PAM.
//!
//! The functions are those of pam(3) as Linux-PAM has them. The conversation
//! (pam_conv(3)) never asks anybody: it answers from a name and a password,
//! and keeps what the modules said for the log. Leaves to others: which calls
//! to make in which order, and what a refusal means.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::time::Duration;

use super::wipe::wipe;

/// PAM_SUCCESS.
pub const SUCCESS: i32 = 0;
/// PAM_DISALLOW_NULL_AUTHTOK: an account without a password is refused, even
/// where pam_unix has `nullok`.
pub const DISALLOW_NULL_AUTHTOK: i32 = 1;

const PROMPT_ECHO_OFF: c_int = 1;
const PROMPT_ECHO_ON: c_int = 2;
const ERROR_MSG: c_int = 3;
const TEXT_INFO: c_int = 4;
const BUF_ERR: c_int = 5;
const CONV_ERR: c_int = 19;
const ESTABLISH_CRED: c_int = 2;
const DELETE_CRED: c_int = 4;
const ITEM_USER: c_int = 2;
const ITEM_FAIL_DELAY: c_int = 10;
/// PAM_MAX_NUM_MSG.
const MESSAGES_MAX: c_int = 32;
/// The most that is kept of what modules say.
const SAID_MAX: usize = 512;

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

#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    text: *mut c_char,
    code: c_int,
}

type Converse =
    unsafe extern "C" fn(c_int, *const *const Message, *mut *mut Response, *mut c_void) -> c_int;

#[repr(C)]
struct Conv {
    converse: Converse,
    data: *mut c_void,
}

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
        let data = Box::into_raw(Box::new(Conversation {
            user: user.to_owned(),
            password,
            said: Vec::new(),
            delay: 0,
        }));
        // From here on the transaction owns `data`, also when this fails.
        let mut transaction = Transaction {
            library: *self,
            handle: ptr::null_mut(),
            data,
            last: SUCCESS,
        };
        let conv = Conv {
            converse,
            data: data.cast(),
        };
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

/// What the callbacks know and collect.
struct Conversation {
    user: CString,
    /// Without a NUL at its end; empty once forgotten.
    password: Vec<u8>,
    said: Vec<u8>,
    delay: c_uint,
}

impl Conversation {
    fn forget(&mut self) {
        wipe(&mut self.password);
        self.password.clear();
    }

    fn keep(&mut self, text: &[u8]) {
        let room = SAID_MAX.saturating_sub(self.said.len() + 1);
        if !text.is_empty() && room > 0 {
            self.said.extend(text.iter().take(room));
            self.said.push(b'\n');
        }
    }

    /// The answer to one message, as a string of malloc's; `Ok(null)` where
    /// none is wanted, `Err` where there is none.
    fn answer(&mut self, style: c_int, text: &[u8]) -> Result<*mut c_char, c_int> {
        match style {
            PROMPT_ECHO_OFF if self.password.is_empty() => Err(CONV_ERR),
            PROMPT_ECHO_OFF => duplicate(&self.password),
            PROMPT_ECHO_ON => duplicate(self.user.as_bytes()),
            ERROR_MSG | TEXT_INFO => {
                self.keep(text);
                Ok(ptr::null_mut())
            }
            _ => Err(CONV_ERR),
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.forget();
    }
}

/// A copy that C may free(3), with a NUL at its end.
fn duplicate(bytes: &[u8]) -> Result<*mut c_char, c_int> {
    // SAFETY: malloc gives null or room for what was asked for, and the
    // copy and its NUL fill exactly that.
    unsafe {
        let copy: *mut c_char = libc::malloc(bytes.len() + 1).cast();
        if copy.is_null() {
            return Err(BUF_ERR);
        }
        ptr::copy_nonoverlapping(bytes.as_ptr().cast(), copy, bytes.len());
        copy.add(bytes.len()).write(0);
        Ok(copy)
    }
}

/// pam_fail_delay(3)'s function: called after each attempt.
///
/// # Safety
/// `data` leads to the transaction's live [`Conversation`].
unsafe extern "C" fn note_delay(_status: c_int, microseconds: c_uint, data: *mut c_void) {
    // SAFETY: the caller's promise; libpam calls while `Transaction::step`
    // holds no reference to it.
    let conversation = unsafe { &mut *data.cast::<Conversation>() };
    conversation.delay = conversation.delay.max(microseconds);
}

/// pam_conv(3)'s function. Nothing unwinds out of it.
///
/// # Safety
/// As pam_conv(3) has it: `messages` leads to `count` pointers to messages,
/// `responses` to a place for one pointer, `data` to the transaction's live
/// [`Conversation`], which nothing else refers to during the call.
unsafe extern "C" fn converse(
    count: c_int,
    messages: *const *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    let answered = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promise, handed on.
        unsafe { answer_all(count, messages, responses, data) }
    }));
    match answered {
        Ok(Ok(())) => SUCCESS,
        Ok(Err(code)) => code,
        Err(_) => CONV_ERR,
    }
}

/// # Safety
/// As for [`converse`].
unsafe fn answer_all(
    count: c_int,
    messages: *const *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> Result<(), c_int> {
    let wanted = usize::try_from(count).map_err(|_| CONV_ERR)?;
    if wanted == 0
        || count > MESSAGES_MAX
        || messages.is_null()
        || responses.is_null()
        || data.is_null()
    {
        return Err(CONV_ERR);
    }
    // SAFETY: calloc gives null or room for `wanted` zeroed responses.
    let answers: *mut Response =
        unsafe { libc::calloc(wanted, size_of::<Response>()) }.cast::<Response>();
    if answers.is_null() {
        return Err(BUF_ERR);
    }
    // SAFETY: the caller's promise.
    let conversation = unsafe { &mut *data.cast::<Conversation>() };
    for index in 0..wanted {
        // SAFETY: `index` is below the number of pointers there are.
        let message = unsafe { *messages.add(index) };
        // SAFETY: null, or a live message by the caller's promise.
        let answer = match unsafe { message.as_ref() } {
            Some(message) if message.text.is_null() => conversation.answer(message.style, b""),
            Some(message) => {
                // SAFETY: not null, so a C string by the caller's promise.
                let text = unsafe { CStr::from_ptr(message.text) };
                conversation.answer(message.style, text.to_bytes())
            }
            None => Err(CONV_ERR),
        };
        match answer {
            // SAFETY: `index` is below the number of responses allocated.
            Ok(text) => unsafe { (*answers.add(index)).text = text },
            Err(code) => {
                // SAFETY: `answers` holds `wanted` responses, each null or of malloc's.
                unsafe { discard(answers, wanted) };
                return Err(code);
            }
        }
    }
    // SAFETY: not null, and a place for one pointer by the caller's promise.
    // libpam owns the answers from here on and frees them.
    unsafe { *responses = answers };
    Ok(())
}

/// Wipes and frees answers that libpam will not see.
///
/// # Safety
/// `answers` is calloc's, of `count` responses, whose texts are null or C
/// strings of malloc's.
unsafe fn discard(answers: *mut Response, count: usize) {
    for index in 0..count {
        // SAFETY: the caller's promise.
        unsafe {
            let text = (*answers.add(index)).text;
            if !text.is_null() {
                libc::explicit_bzero(text.cast(), libc::strlen(text));
                libc::free(text.cast());
            }
        }
    }
    // SAFETY: the caller's promise; not used again.
    unsafe { libc::free(answers.cast()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts the messages to a conversation, as libpam would, and gives the
    /// answers as text.
    fn ask(
        conversation: &mut Conversation,
        messages: &[(c_int, Option<&CStr>)],
    ) -> Result<Vec<Option<String>>, c_int> {
        let messages: Vec<Message> = messages
            .iter()
            .map(|&(style, text)| Message {
                style,
                text: text.map_or(ptr::null(), CStr::as_ptr),
            })
            .collect();
        let pointers: Vec<*const Message> = messages.iter().map(ptr::from_ref).collect();
        let mut responses = ptr::null_mut();
        let count = c_int::try_from(pointers.len()).unwrap();
        let data = ptr::from_mut(conversation).cast();
        // SAFETY: everything is as pam_conv(3) has it, for the length of the call.
        let code = unsafe { converse(count, pointers.as_ptr(), &raw mut responses, data) };
        if code != SUCCESS {
            assert!(responses.is_null());
            return Err(code);
        }
        let mut texts = Vec::new();
        for index in 0..pointers.len() {
            // SAFETY: there are as many responses as messages.
            let text = unsafe { (*responses.add(index)).text };
            // SAFETY: null or a C string.
            texts.push(
                (!text.is_null())
                    .then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned()),
            );
        }
        // SAFETY: the responses are as `converse` made them.
        unsafe { discard(responses, pointers.len()) };
        Ok(texts)
    }

    fn conversation() -> Conversation {
        Conversation {
            user: c"ann".into(),
            password: b"secret".to_vec(),
            said: Vec::new(),
            delay: 0,
        }
    }

    #[test]
    fn several_prompts_are_answered_and_words_kept() {
        let mut one = conversation();
        let answers = ask(
            &mut one,
            &[
                (PROMPT_ECHO_ON, Some(c"login: ")),
                (TEXT_INFO, Some(c"Welcome.")),
                (PROMPT_ECHO_OFF, Some(c"Password: ")),
                (ERROR_MSG, Some(c"Hm.")),
                (PROMPT_ECHO_OFF, None),
                (TEXT_INFO, None),
            ],
        );
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            answers.unwrap(),
            [
                text("ann"),
                None,
                text("secret"),
                None,
                text("secret"),
                None
            ]
        );
        assert_eq!(one.said, b"Welcome.\nHm.\n");
    }

    #[test]
    fn unknown_styles_and_too_many_messages_are_errors() {
        let mut one = conversation();
        let odd = [(PROMPT_ECHO_OFF, Some(c"")), (7, Some(c""))];
        assert_eq!(ask(&mut one, &odd), Err(CONV_ERR));
        assert_eq!(ask(&mut one, &[]), Err(CONV_ERR));
        let many = [(TEXT_INFO, Some(c"x")); 33];
        assert_eq!(ask(&mut one, &many), Err(CONV_ERR));
        assert_eq!(ask(&mut one, &many[1..]).unwrap(), [const { None }; 32]);
    }

    #[test]
    fn a_forgotten_password_answers_nothing() {
        let mut one = conversation();
        one.forget();
        assert_eq!(ask(&mut one, &[(PROMPT_ECHO_OFF, None)]), Err(CONV_ERR));
        assert!(one.password.is_empty());
    }

    #[test]
    fn what_modules_say_is_bounded() {
        let mut one = conversation();
        for _ in 0..100 {
            one.keep(b"over and over");
        }
        assert!(one.said.len() <= SAID_MAX, "{}", one.said.len());
    }

    #[test]
    fn the_longest_delay_counts() {
        let mut one = conversation();
        for delay in [5, 2_000_000, 7] {
            // SAFETY: `one` is live and not borrowed otherwise.
            unsafe { note_delay(7, delay, (&raw mut one).cast()) };
        }
        assert_eq!(one.delay, 2_000_000);
    }

    #[test]
    fn a_library_that_is_not_there_is_told_in_the_loaders_words() {
        let error = Library::load(c"libironftpd-none.so.0").err().unwrap();
        assert!(error.contains("libironftpd-none.so.0"), "{error}");
        // Found, and no PAM.
        let error = Library::load(c"libc.so.6").err().unwrap();
        assert!(error.contains("pam_start"), "{error}");
    }
}

//! The conversation between PAM's modules and the application (pam_conv(3)),
//! held by a name and a password that were given beforehand.
//!
//! Answers are handed over in memory of malloc's, which libpam frees. Nothing
//! unwinds into C.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::SUCCESS;
use crate::sys::wipe::wipe;

const PROMPT_ECHO_OFF: c_int = 1;
const PROMPT_ECHO_ON: c_int = 2;
const ERROR_MSG: c_int = 3;
const TEXT_INFO: c_int = 4;
const BUF_ERR: c_int = 5;
const CONV_ERR: c_int = 19;
/// PAM_MAX_NUM_MSG.
const MESSAGES_MAX: c_int = 32;
/// The most that is kept of what modules say.
const SAID_MAX: usize = 512;

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

/// pam_conv(3)'s struct.
#[repr(C)]
pub(super) struct Conv {
    converse: Converse,
    data: *mut c_void,
}

impl Conv {
    /// For pam_start(3); `data` must live until pam_end(3) is done.
    pub(super) fn new(data: *mut Conversation) -> Conv {
        Conv {
            converse,
            data: data.cast(),
        }
    }
}

/// What the callbacks know and collect.
pub(super) struct Conversation {
    user: CString,
    /// Without a NUL at its end; empty once forgotten.
    password: Vec<u8>,
    /// What modules said, a line each; bounded.
    pub(super) said: Vec<u8>,
    /// The longest delay a module asked for, in microseconds.
    pub(super) delay: c_uint,
}

impl Conversation {
    /// One that answers with `user` and `password`.
    pub(super) fn new(user: &CStr, password: Vec<u8>) -> Conversation {
        Conversation {
            user: user.to_owned(),
            password,
            said: Vec::new(),
            delay: 0,
        }
    }

    /// Wipes the password.
    pub(super) fn forget(&mut self) {
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
pub(super) unsafe extern "C" fn note_delay(
    _status: c_int,
    microseconds: c_uint,
    data: *mut c_void,
) {
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
        Conversation::new(c"ann", b"secret".to_vec())
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
}

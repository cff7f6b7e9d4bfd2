//! The option table: one row per option of the configuration file.
//!
//! A row gives kind, name, default as text, one paragraph of explanation
//! and, where ironftpd departs from vsftpd, a note that says how and why.
//! The parser, the defaults, `--print-config`, the sample file and
//! ironftpd.conf(5) read these rows and nothing else. Defaults are those of
//! vsftpd's code; where its manual says otherwise the note tells.
//! Options of vsftpd that have no meaning here stand in `moot`.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use super::error::Origin;
use super::spec::{Bool, Kind, OptionSpec, Path, Setting, Slot, Text, Uint, options};

/// The row of the option `name`, which is compared byte by byte as vsftpd
/// does: names are lower case.
#[must_use]
pub fn find(name: &[u8]) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|spec| spec.name.as_bytes() == name)
}

options! {
"Listening" {
    Bool listen = "YES",
        "Listen for control connections over IPv4. With listen_ipv6=YES as well, both address families are served, each on a socket of its own. With NO for both, the server must be started by inetd, systemd or the like, which hand it a socket; sockets handed over go before all options of this section.",
        "vsftpd refuses to start with both listen and listen_ipv6. Its manual gives NO as the default, and so does the code of Debian's, that of its source YES; the source is followed, since sockets that inetd hands over count in any case. With NO for both vsftpd takes descriptor 0 for a client's connection; ironftpd does so only if it is one, and then whatever listen says.";
    Bool listen_ipv6 = "NO",
        "Listen for control connections over IPv6. Alone, without listen_address6, it serves IPv4 clients too, on one socket for both families; it then needs listen=NO.",
        "vsftpd cannot combine it with listen.";
    Uint listen_port = "21",
        "Port of the control connection. With 0 the system chooses a free one.";
    Text listen_address = "",
        "Numeric IPv4 address to listen on; every address of the machine when empty. Without listen=YES it does nothing.";
    Text listen_address6 = "",
        "Numeric IPv6 address to listen on; every address of the machine when empty. Without listen_ipv6=YES it does nothing.";
    Bool tcp_wrappers = "NO",
        "Ask /etc/hosts.allow and /etc/hosts.deny who may connect (hosts_access(5), hosts_options(5)); the server is called vsftpd there, and ironftpd. Who may not gets 421. A rule with the option setenv VSFTPD_LOAD_CONF file puts the settings of that file over this one for its clients, limits and greeting included; what counts at the start only does nothing there, nor what is about logs or switches TLS on, but for local_enable, connect_from_port_20 and chown_uploads if the file is there at the start; --check tells which do nothing. Files that root alone may read must not be named. All of them are read again when they have changed.",
        "ironftpd reads the files itself, without libwrap, and starts no programs: of spawn only the rule counts, twist turns the client away, and a rule with aclexec is for nobody. Clients are not asked for their user (rfc931). 0.0.0.0/0 is every IPv4 address.";
    Bool background = "NO",
        "Go to the background and give the shell its prompt back once the server answers, or its exit code if it cannot start. A terminal or pipe that standard error was is left, and the log then goes to syslog.";
    Path pid_file = "",
        "File that holds the number of the server's process while it runs. It is written before the server gives up its rights, and emptied at its end, since it may then no longer be removed.",
        "Not an option of vsftpd.";
    Uint idle_server_timeout = "60",
        "Seconds without any session after which a server ends to which inetd has given its listening socket (wait); it starts it again for the next client. 0 means never.",
        "Not an option of vsftpd, which inetd can start for single sessions only.";
    Bool ftp_enable = "YES",
        "Serve FTP. With NO every client is turned away with 500.";
}
"Who may log in" {
    Bool anonymous_enable = "YES",
        "Let the users anonymous and ftp log in without an account.",
        "vsftpd's manual in Debian gives NO as the default, its code YES; the code is followed.";
    Path anon_root = "",
        "Directory that anonymous users see as /. They cannot leave it.",
        "When the directory cannot be entered, anonymous users are told 500 OOPS at their login, as in vsftpd, and others are served; where nobody else may log in, ironftpd refuses to start. It is looked at again by a reload.";
    Text ftp_username = "ftp",
        "User of the system whose home anonymous users see as /, unless anon_root is set. Who logs in as anonymous has the options of a file of this name in user_config_dir.",
        "vsftpd turns everybody away when there is no such user, needed or not.";
    Bool no_anon_password = "NO",
        "Log an anonymous user in at the USER command, without asking for a password.";
    Path virtual_users_file = "",
        "File of virtual accounts in the layout of passwd(5), with crypt(3) hashes; ironftpctl(8) keeps it. Each account has its own home as root. The file is read again when it has changed. When empty there are no virtual accounts.",
        "Not an option of vsftpd, which leaves virtual users to PAM.";
    Bool deny_email_enable = "NO",
        "Turn anonymous users away whose password, by custom an e-mail address, is a line of banned_email_file.";
    Path banned_email_file = "/etc/vsftpd.banned_emails",
        "File of the passwords that deny_email_enable turns away, one a line, compared byte by byte. It is read again when it has changed.",
        "The CR of a CR LF line end is dropped, here and in the other lists; with it, no line ever matches in vsftpd. An empty line is none; in vsftpd one turns away who gives no password. vsftpd ends every session when a list it needs is missing; ironftpd does not start, and goes on with what it has read when the file goes later. /dev/null is an empty list; vsftpd takes a directory or a FIFO for one too, where ironftpd does not start. A list about users who may not log in at all is not looked at, nor missed.";
    Bool secure_email_list_enable = "NO",
        "Let anonymous users in only with a password that is a line of email_password_file.",
        "In vsftpd an empty file lets everybody in, here nobody.";
    Path email_password_file = "/etc/vsftpd.email_passwords",
        "File of the passwords that secure_email_list_enable asks for, one a line, compared byte by byte. It is read again when it has changed.";
    Bool userlist_enable = "NO",
        "Turn users away at the USER command, by userlist_file, so that their password never crosses the network. It counts for every name, those of anonymous users and virtual accounts included, and for nobody where only anonymous users may log in, unless userlist_deny is NO.";
    Bool userlist_deny = "YES",
        "With userlist_enable: YES turns away the users listed, NO all others.";
    Path userlist_file = "/etc/vsftpd.user_list",
        "File of the names that userlist_enable is about, one a line, compared byte by byte. It is read again when it has changed.",
        "As the other lists, it is read from where Red Hat's vsftpd has it, /etc/vsftpd/user_list, if it is not set and the default is not there.";
    Bool userlist_log = "YES",
        "With userlist_enable: write each name that is turned away into vsftpd_log_file or syslog, as a FAIL LOGIN with the reason, which fail2ban reads. The event log has it in any case.",
        "An option of Red Hat's vsftpd, where NO is the default; Debian's writes nothing. Whoever watches for guessing should see these too.";
    Path user_config_dir = "",
        "Directory of options for single users: what the file in it that is called like the user says goes before this file, from the login to the end of the session. A user without such a file has that of the name the system knows him by, where he gave another. Virtual accounts have such files too, anonymous users that of ftp_username. Options that count before the login, or for the whole server, do nothing there: among them chroot_local_user, the lists of users and all about listening. A user whose file is wrong or cannot be read is not let in, nor one whose name has a slash. Where the server was started by root, nopriv_user must be able to read the files.",
        "vsftpd says nothing about an option that does nothing there, and gives a user with a slash in the name no options. It heeds syslog_enable there: here logs belong to all sessions.";
    Uint max_login_fails = "3",
        "Number of failed logins after which the session is closed.";
    Uint delay_failed_login = "1",
        "Seconds from a failed login to its answer; twice or three times as many where the check takes longer, so that its time tells nothing.";
    Uint delay_successful_login = "0",
        "Seconds to wait before a successful login is answered.";
}
"Users of the system" {
    Bool local_enable = "NO",
        "Let users of the system log in, with the password that PAM asks for. Their sessions act with their ids and groups.";
    Text pam_service_name = "vsftpd",
        "Name of the PAM service: the file in /etc/pam.d that says how passwords are checked. ironftpd comes with one called ironftpd.",
        "The code of vsftpd gives ftp as the default, its manual and its Debian package vsftpd; the latter are followed.";
    Bool session_support = "NO",
        "Open a PAM session at the login and close it at the end, which with most PAM files enters the user in utmp and wtmp.";
    Bool check_shell = "YES",
        "Turn users away whose shell is not a line of /etc/shells. Only without PAM; with it, the PAM file says so (pam_shells).";
    Bool reverse_lookup_enable = "NO",
        "Tell PAM the name of the client's address in place of the address (PAM_RHOST), which rules of pam_access may name. A name counts only if it leads back to the address; where there is none, or nobody answers, it is the address. Each login then waits for the name service.",
        "An option of Red Hat's vsftpd, where YES is the default, and any name counts that the owner of the address has chosen.";
    Bool allow_root_login = "NO",
        "Let users log in whose user id is 0, or who as guests are mapped to one whose is. Without it they are turned away whatever PAM says.",
        "Not an option of vsftpd, which leaves it to PAM and lets guests become root.";
    Path local_root = "",
        "Directory in which users of the system begin instead of their home, and which they see as / where they are kept in it (chroot_local_user). A relative one counts from the home. One that cannot be entered is passed over, and the session begins in the home; for users who are kept in it, the login fails, and so it does where a link leads there that belongs to neither root nor who has started the server.",
        "vsftpd wants the home to be there even so, and lets who is kept in choose another root by a link of his own.";
    Text user_sub_token = "",
        "Text that stands for the user's name in local_root and in the homes of guest_username and others: with user_sub_token=$USER and local_root=/srv/$USER the user ann has /srv/ann. Users whose name could lead elsewhere, by a slash or as .., are turned away where it would be used.",
        "vsftpd puts in any name.";
    Bool chroot_local_user = "NO",
        "Keep users of the system in their home or local_root, which they then see as /. Otherwise they see the machine's own /, with whatever its permissions give them.";
    Bool chroot_list_enable = "NO",
        "Turn chroot_local_user round for the users in chroot_list_file: with NO there only they are kept in, with YES all but they.";
    Path chroot_list_file = "/etc/vsftpd.chroot_list",
        "File of the names that chroot_list_enable is about, one a line, compared byte by byte with the name that was given and with the one the system has for it: a user whom either keeps in is kept in. It is read again when it has changed.",
        "When it cannot be read, users of the system are told 500 OOPS at their login, as in vsftpd, and others are served; where only they may log in, ironftpd refuses to start.";
    Bool passwd_chroot_enable = "NO",
        "Take a home with /./ in it apart: what is before is where the user is kept, what is behind is where the session begins. Goes before local_root.";
    Bool guest_enable = "NO",
        "Map every user of the system, or of a PAM module that knows its own users, to guest_username after the login. Virtual accounts and anonymous users are not mapped.";
    Text guest_username = "ftp",
        "User of the system that guests are mapped to: they have its ids, its groups and its home.";
    Bool virtual_use_local_privs = "NO",
        "Give guests what users of the system have. Without it they have what anonymous users have, which is less: the options whose names begin with anon_ count for them, and they are kept in their root whatever chroot_local_user says.";
    Bool tilde_user_enable = "NO",
        "Understand pathnames that begin with ~name as the home of that user, if /etc/passwd has one, as the session sees it. What begins with ~/ counts from where the session began, in any case.";
}
"Writing" {
    Bool write_enable = "NO",
        "Allow the commands that change the file system: STOR, STOU, APPE, DELE, RNFR, RNTO, MKD, RMD, MFMT, MFF, MDTM with a time, and those of SITE that do likewise. Without it the other options of this section do nothing.";
    Bool anon_upload_enable = "NO",
        "Let anonymous users upload new files, with STOR and STOU. Needs write_enable.";
    Bool anon_mkdir_write_enable = "NO",
        "Let anonymous users create directories. Needs write_enable.";
    Bool anon_other_write_enable = "NO",
        "Let anonymous users delete, rename, overwrite, set times, and append, which begins a new file where there is none. Needs write_enable.";
    Uint anon_umask = "077",
        "Permission bits taken from files and directories that anonymous users create. Octal only with a leading 0. They cannot change it with SITE UMASK: with 077, and anon_world_readable_only, nobody fetches what strangers have stored.";
    Uint local_umask = "077",
        "Permission bits taken from files and directories that users with an account create. Octal only with a leading 0.";
    Uint file_open_mode = "0666",
        "Permission bits of an uploaded file, before the umask is taken away.";
    Bool chown_uploads = "NO",
        "Give files that anonymous users and guests with their privileges upload to chown_username, so that they cannot touch them again. This needs root or CAP_CHOWN; without it, such uploads are refused.";
    Text chown_username = "root",
        "User that chown_uploads gives files to. Their group stays.";
    Uint chown_upload_mode = "0600",
        "Permission bits of the files that chown_uploads gives away. Octal only with a leading 0.";
    Bool atomic_uploads = "NO",
        "Put an uploaded file in its place in one step, once the client has closed the data connection properly: nobody sees half a file, and an upload that fails leaves the old one, so that it cannot be continued later. Until then the file has no name, or where the file system cannot do that (O_TMPFILE) one that no client sees. REST and APPE go on from a copy of the old content, which shares its blocks where the file system can. The new file takes mode, owner and group of the old one, as far as the server may give them; other hard links, access lists and extended attributes stay with the old file. The server needs to be permitted to write to the directory and, for REST and APPE, to read the old file. STOU always puts something behind the name given, for nobody can hold a name before the end. Of two uploads to one name, the last to end wins; with lock_upload_files, one that continues the file waits for another that does so.",
        "Not an option of vsftpd.";
    Bool delete_failed_uploads = "NO",
        "Delete what came of an upload that failed. Otherwise it stays, so that the client can go on from there. With atomic_uploads there is never anything to delete.",
        "vsftpd also deletes a file that existed before when APPE or REST with STOR fails on it, and one whose replacement never began for want of a data connection; here both stay.";
    Bool better_stou = "NO",
        "Let STOU put something behind every name it is given, and not only where the name is taken.",
        "An option of Red Hat's vsftpd, which puts six letters there. What ironftpd puts there can be guessed in no case.";
    Bool fsync_uploads = "NO",
        "Answer an upload with 226 only when the disk has the file and its directory entry (fsync); if the disk fails, the answer is 451.",
        "Not an option of vsftpd.";
    Bool lock_upload_files = "YES",
        "Take a write lock on a file while it is uploaded and a read lock while it is downloaded, so that two uploads never mix and no download sees half of one; other programs see the locks too (fcntl). Who cannot have the lock waits for data_connection_timeout and then gets 450. With atomic_uploads an upload waits for no download, and one that replaces a file for nobody. Otherwise beware that readers can keep a writer waiting.",
        "vsftpd waits without end.";
    Bool chmod_enable = "YES",
        "Allow SITE CHMOD to users with an account, and what is like it: SITE CHGRP, and MFF for UNIX.mode and UNIX.group. Anonymous users never have it. Set-user-ID is never set, and set-group-ID for directories only.",
        "vsftpd knows SITE CHMOD only.";
    Bool symlink_climb_enable = "NO",
        "Let SITE SYMLINK make links that climb, with .. but not above the root, for those who may write. Such a link can be renamed to where it leads out of the root: not for sessions, whom the server keeps inside, but for other programs that serve the same files and follow it. Without it a link leads to what is in or below its own directory.",
        "Not an option of vsftpd, which makes no links.";
    Bool mdtm_write = "YES",
        "Let MDTM with a time before the pathname set the time of last modification, for those who may write with MFMT as well.";
}
"Reading and listing" {
    Bool anon_world_readable_only = "YES",
        "Let anonymous users fetch only files, and list only directories, that everybody on the machine may read.";
    Bool download_enable = "YES",
        "Allow users to fetch files: RETR, and the commands that hash a file for the client, which tell what is in it.";
    Bool dirlist_enable = "YES",
        "Allow users to list directories: LIST, NLST, MLSD, MLST, DSIZ, and STAT with a pathname.";
    Bool ls_recurse_enable = "NO",
        "Honour the -R flag of LIST, which lists a whole tree and may cost much on a large site.";
    Bool hide_ids = "NO",
        "Show ftp as owner and group of every file in listings.";
    Bool force_dot_files = "NO",
        "Show names that begin with a dot in listings, even without the flag -a, but not . and .. themselves.";
    Text hide_file = "",
        "Names to leave out of listings: a pattern of *, ? and {one,other}, and besides every name that this text is part of. Who knows such a name can use it. Upper and lower case differ. An example is hide_file={*.tmp,.hidden}.",
        "vsftpd's * takes no more than it must: there {*.tmp} does not hide a.tmp.tmp, here it does.";
    Bool text_userdb_names = "NO",
        "Show names of owners and groups in listings instead of numbers. Looking names up may take time where the system asks a server on the network for them; each is remembered for five minutes.",
        "vsftpd finds no names for users who are kept in a root, anonymous ones among them, and shows them numbers.";
    Bool use_localtime = "NO",
        "Show times of listings in the local time zone instead of UTC, and take and give those of MDTM in it. MLSD, MLST, MFMT and SITE UTIME are always in UTC.";
    Uint list_sort_limit = "200000",
        "Largest number of names in a directory that LIST, NLST and STAT sort. A larger directory is listed unsorted while it is read, so that neither memory nor the wait for the first line grow with it. 0 means no limit.",
        "Not an option of vsftpd, which sorts whatever there is.";
    Text site_who_users = "",
        "Users who may see all sessions, their addresses among them, with SITE WHO: names parted by commas. Nobody when empty.",
        "Not an option of vsftpd.";
    Bool ascii_download_enable = "NO",
        "Convert line ends when a file is fetched in TYPE A. Otherwise TYPE A is accepted and the file is sent as it is.";
    Bool ascii_upload_enable = "NO",
        "Convert line ends when a file is stored in TYPE A. Otherwise TYPE A is accepted and the file is stored as it comes.",
        "Like ascii_download_enable, it is about TYPE A alone. TYPE E and STRU R, which vsftpd does not have, always convert: nobody asks for them by mistake.";
    Uint ascii_size_limit = "10485760",
        "Largest file, in bytes, of which SIZE tells how many octets it takes in TYPE A, STRU R or MODE B and C, for which it must be read to its end. SIZE of a larger one is refused with 550; in TYPE I it costs nothing and is always told.",
        "Not an option of vsftpd, which counts nothing and tells the size on disk.";
    Text ebcdic_code_page = "1047",
        "Code page of TYPE E on the wire: 037, 273, 500, 1047, 1140, 1141 or 1148. Files are taken to be ISO 8859-1 (with the euro sign of ISO 8859-15 on the last three), and no byte is lost in either direction.",
        "Not an option of vsftpd, which has no TYPE E.";
    Bool deflate_enable = "YES",
        "Allow MODE Z, in which transfers are compressed on the fly.",
        "Not an option of vsftpd, which has no MODE Z.";
    Bool hash_enable = "YES",
        "Allow the commands that hash a file for the client: HASH, MD5, MMD5, XCRC, XMD5, XSHA, XSHA1, XSHA256 and XSHA512. They cost the server's processor about what sending the file would; a session hashes one file at a time and stops when its client goes or says ABOR. With NO the commands are unknown.",
        "Not an option of vsftpd, which has none of these commands.";
    Uint dsiz_max_entries = "100000",
        "Largest number of files and directories that DSIZ counts; a directory with more in and below it is refused. 0 means no limit.",
        "Not an option of vsftpd, which has no DSIZ.";
}
"What may be touched" {
    Text cmds_allowed = "",
        "Commands that users who are logged in may give, in upper case with commas between them; all others are refused. When empty, all are allowed. An example is cmds_allowed=PASV,RETR,QUIT. What is not allowed is told neither by FEAT nor by HELP.",
        "Its aliases are allowed with a command (XCWD with CWD).";
    Text cmds_denied = "",
        "Commands that users who are logged in may not give, with commas between them; goes before cmds_allowed. A single one of SITE is written SITE CHMOD. What is denied is told neither by FEAT nor by HELP.",
        "Its aliases are denied with a command, and so are those that vsftpd does not have with any that does the same: MLSD, MLST and DSIZ with LIST; HASH and its like with RETR; COMB with STOR, APPE or DELE; RANG with REST; MFMT, MFCT, MFF and SITE UTIME with MDTM; MFF with SITE; LPSV with PASV or EPSV, LPRT with PORT or EPRT; SITE MKDIR with MKD, SITE RMDIR with RMD or DELE, SITE CPFR and CPTO with RETR or STOR, SITE SYMLINK with STOR. Neither case nor blanks count.";
    Text deny_file = "",
        "Names of files and directories that users may not touch in any way: a pattern of *, ? and {one,other}, and besides every pathname that this text is part of. Upper and lower case differ. They are shown in listings, unless hide_file has them too. Where links lead is looked at as well, and what lies in a directory of such a name is denied with it; the way to where the session began is not looked at. Hard links are names of their own. Patterns without a slash match single names. One with a slash, as /etc/*, is about places: it must match a whole pathname from the user's root, its wildcards take slashes, and what lies in a directory that it matches is denied too. Users who may rename directories can change where things are. Permissions are the better wall. An example is deny_file={*.key,.private}.",
        "vsftpd looks at the last name of a pathname only, where it looks for a pattern, and its * takes no more than it must, so that {*.key} does not deny a.key.key.";
    Text download_file = "",
        "Names of the only files that users may fetch: a pattern of *, ? and {one,other} for the last name, for the whole pathname from the user's root if it has a slash, or a text that is part of the pathname. A link may be fetched by its own name or by that of its file. deny_file goes before it. When empty, all may be fetched.",
        "An option of Debian's vsftpd. It holds as well for the commands that hash a file or copy it.";
    Text upload_file = "",
        "Names of the only files that users may store, by STOR, APPE, STOU and what is like them, written as in download_file. deny_file goes before it. When empty, all may be stored. It does not hold for new names of files that are there (RNTO).",
        "An option of Debian's vsftpd. It holds for COMB and SITE CPTO as well.";
}
"Privileges" {
    Text nopriv_user = "nobody",
        "User that the server becomes, when root has started it, for all that needs no privilege. A user of its own is better than nobody.";
    Bool run_as_launching_user = "NO",
        "Stay the user who has started the server. Only of use for root, and then dangerous: sessions act with root's rights.",
        "vsftpd needs it in order to be started by an ordinary user; ironftpd then stays that user in any case.";
    Bool seccomp_sandbox = "YES",
        "Let each kind of thread make only the system calls of its list (ironftpd-security(7)). What is not in it fails and is told in the log; a session that needs no such call notices nothing.",
        "vsftpd has one list for all, and a call that is missing ends the session, for which many sites had to switch it off, and Debian and Red Hat have done so in the default.";
    Bool seccomp_strict = "NO",
        "End the server at a system call that is not in the list of its thread, in place of refusing the call.",
        "Not an option of vsftpd.";
}
"Data connections" {
    Bool pasv_enable = "YES",
        "Allow passive mode: the commands PASV and EPSV.";
    Uint pasv_min_port = "5001",
        "Lowest port of passive data connections. With 0, a number below 1024 or one that is no port, any port from 1024 up.",
        "vsftpd's manual gives 0 as the default, its code 5001; the code is followed.";
    Uint pasv_max_port = "0",
        "Highest port of passive data connections. 0 means 65535, and so does a port below the lowest. A range of some tens is enough: once all of its ports are promised, clients at different addresses share them, so that only two transfers of one address need two ports.",
        "vsftpd gives each transfer a port of its own, and fails when there are none left.";
    Text pasv_ports = "",
        "Ports of passive data connections as a list, with holes where there are some: 30000-30009,30020. When set, it counts and pasv_min_port and pasv_max_port do not.",
        "Not an option of vsftpd, which has one range only.";
    Text pasv_address = "",
        "IPv4 address announced by PASV, for a server behind address translation. When empty, the local address of the control connection. In the file of one user (user_config_dir) a host name is not looked up.",
        "vsftpd answers PASV with 500 OOPS when this is no address and pasv_addr_resolve is NO; ironftpd announces the local address.";
    Text pasv_address_map = "",
        "Addresses announced by PASV to clients of certain networks, as network=address pairs parted by commas: 10.0.0.0/8=10.0.0.5,0.0.0.0/0=203.0.113.7. The smallest network that holds the client decides; for a client in none, pasv_address counts. So clients inside and outside a translating router are both served.",
        "Not an option of vsftpd.";
    Bool pasv_addr_resolve = "NO",
        "Let pasv_address be a host name. While it cannot be looked up at start, the server announces its local address and goes on trying.",
        "vsftpd looks it up once, at start, and does not start where that fails.";
    Uint pasv_addr_refresh = "300",
        "Seconds between two look-ups of a host name in pasv_address, whose address may change. While the name service fails, the last address stays in use. With 0 one success is enough.",
        "Not an option of vsftpd.";
    Bool pasv_promiscuous = "NO",
        "Accept passive data connections from any address. This gives transfers away to whoever connects first.";
    Bool port_enable = "YES",
        "Allow active mode: the commands PORT and EPRT.";
    Bool port_promiscuous = "NO",
        "Connect to any address a PORT or EPRT names, but to no port below 1024. This lends the server to attacks on third hosts.",
        "vsftpd then connects to ports below 1024 as well.";
    Bool connect_from_port_20 = "NO",
        "Make active data connections from the port ftp_data_port. Ports under 1024 need the privilege to bind them.";
    Uint ftp_data_port = "20",
        "Source port of active data connections when connect_from_port_20 is YES.";
}
"TLS" {
    Bool ssl_enable = "NO",
        "Offer TLS: the commands AUTH, PBSZ and PROT (RFC 4217). It needs a certificate with its key; both, and all else that is named here, are read before the server gives up its rights, and again when they change.";
    Path rsa_cert_file = "/usr/share/ssl/certs/vsftpd.pem",
        "File of the server's certificate in PEM, followed by those that lead to its authority; its key may be of any kind: RSA, ECDSA or Ed25519. It may hold the key as well. A file that changes is taken on within ten seconds, once certificate and key fit together. Nothing is read where dsa_cert_file or ssl_certs_dir is set and this is not.",
        "vsftpd takes on a changed certificate when it is started again.";
    Path rsa_private_key_file = "",
        "File of the private key for rsa_cert_file; when empty, it is in that file too. Nobody but its owner should be able to read it.";
    Path dsa_cert_file = "",
        "File of a second certificate, for a key of another kind: clients get the one that they know, and not RSA if they know both.",
        "Keys of DSA itself, which no client takes any more, are not taken.";
    Path dsa_private_key_file = "",
        "File of the private key for dsa_cert_file; when empty, it is in that file too.";
    Path ssl_certs_dir = "",
        "Directory of further certificates, for clients that ask for one of the names in them (SNI): each NAME.pem or NAME.crt with its key in it, or in NAME.key.",
        "Not an option of vsftpd.";
    Text ssl_sni_hostname = "",
        "The only name that clients may ask for; who asks for another one, or for none, gets no TLS. When empty, any name or none will do.";
    Bool ssl_tlsv1_2 = "YES",
        "Speak TLS 1.2. The same as ssl_tlsv12; NO in either counts.";
    Bool ssl_tlsv12 = "YES",
        "Another spelling of ssl_tlsv1_2, of some distributions.";
    Bool ssl_tlsv1_3 = "YES",
        "Speak TLS 1.3. The same as ssl_tlsv13; NO in either counts.";
    Bool ssl_tlsv13 = "YES",
        "Another spelling of ssl_tlsv1_3, of some distributions.";
    Bool ssl_tlsv1 = "NO",
        "TLS 1.0, which is not spoken: YES does nothing.",
        "YES in vsftpd, whose FEAT leaves AUTH TLS out with NO, though it is served. RFC 8996 has withdrawn TLS 1.0 and 1.1, and rustls does not have them.";
    Bool ssl_tlsv1_1 = "NO",
        "TLS 1.1, which is not spoken: YES does nothing.";
    Bool ssl_tlsv11 = "NO",
        "Another spelling of ssl_tlsv1_1, of some distributions.";
    Bool ssl_sslv2 = "NO",
        "SSL 2.0, which is not spoken: YES does nothing.";
    Bool ssl_sslv3 = "NO",
        "SSL 3.0, which is not spoken: YES does nothing.";
    Text ssl_ciphers = "HIGH",
        "Cipher suites, in the language of OpenSSL's ciphers(1). Those of TLS 1.3 are on unless the list names some of them. PROFILE=SYSTEM, which Red Hat's vsftpd has for a default, stands for all there are. The server does not start when none is left that it has.",
        "vsftpd has ECDHE-RSA-AES256-GCM-SHA384 alone, with which a server whose key is ECDSA or Ed25519 has no TLS 1.2. All suites there are here are good: forward secrecy, and AES-GCM or ChaCha20-Poly1305.";
    Bool implicit_ssl = "NO",
        "Begin every control connection with TLS, before the greeting, as clients expect on port 990. Needs listen_port to be set.";
    Bool allow_anon_ssl = "NO",
        "Let anonymous users use TLS.";
    Bool force_local_logins_ssl = "YES",
        "With ssl_enable, turn users with an account away whose control connection is not under TLS: their password would cross the network in clear. They are told at USER.",
        "vsftpd ends the session; here AUTH TLS can still be said.";
    Bool force_local_data_ssl = "YES",
        "With ssl_enable, refuse data connections without TLS (PROT C) to users with an account.";
    Bool force_anon_logins_ssl = "NO",
        "With ssl_enable, turn anonymous users away whose control connection is not under TLS. It allows them TLS as allow_anon_ssl does.",
        "vsftpd ends the session; here AUTH TLS can still be said.";
    Bool force_anon_data_ssl = "NO",
        "With ssl_enable, refuse data connections without TLS to anonymous users.";
    Text require_ssl_reuse = "YES",
        "Demand that data connections resume the TLS session of their control connection, which shows that they come from the same client. YES: of all. AUTO: of each client from the moment on at which it has done so, until CCC. NO: of none. A connection that does not is answered with 522.",
        "AUTO is not of vsftpd, which besides ends the session after 522. The sample file has it, since many clients cannot resume.";
    Bool strict_ssl_read_eof = "YES",
        "Take an upload as complete only when the client has closed the TLS session (close_notify), not just the connection, which anybody on the way can do. Some clients never do. With atomic_uploads, an upload that was cut off is then not published.",
        "vsftpd's manual gives NO as the default, its code YES; the code is followed.";
    Bool strict_ssl_write_shutdown = "NO",
        "Wait, after a download, until the client has closed the TLS session too.";
    Bool ccc_enable = "NO",
        "Allow CCC: back to a control connection in clear after the log-in, for routers that must read the addresses in it. Data connections stay as PROT has set them. Clients get the last sessions to resume before the reply, enough for eight data connections of those that use each once: with require_ssl_reuse=YES these then have to log in again. curl forgets its session, unless --ftp-ssl-ccc-mode is active.",
        "Not an option of vsftpd.";
    Uint ssl_handshake_timeout = "30",
        "Seconds that a TLS handshake may take. 0 means no limit.",
        "Not an option of vsftpd.";
    Bool ssl_request_cert = "YES",
        "Ask clients for a certificate, if there is anything to do with it: require_cert, validate_cert, ca_certs_file or client_cert_user.",
        "vsftpd asks in any case, and most often for nothing.";
    Bool require_cert = "NO",
        "Turn clients away that show no certificate.";
    Bool validate_cert = "NO",
        "Turn clients away whose certificate is not signed by one of ca_certs_file, or is revoked or out of date.";
    Path ca_certs_file = "",
        "File of the authorities, in PEM, that sign the certificates of clients.";
    Path ssl_crl_file = "",
        "File of revocation lists, in PEM, of those authorities. With it, only certificates count whose authority has a list there that is not out of date.",
        "Not an option of vsftpd.";
    Text client_cert_user = "",
        "Let users with a virtual account in by their certificate, without a password (232): CN when the common name in it is the user's name, SAN when one of its mail or DNS names is, fingerprint when its SHA-256 stands as the word cert=DIGITS in the fifth field of the account (lower case, without colons). CN and SAN need ca_certs_file. When empty, everybody needs a password; users of the system do in any case.",
        "Not an option of vsftpd.";
    Bool debug_ssl = "NO",
        "Log what each handshake has agreed on: version, suite, key exchange, and whether a session was resumed.";
}
"Limits and times" {
    Uint max_clients = "2000",
        "Largest number of sessions at once; further clients are turned away with 421. 0 means no limit.",
        "vsftpd's manual gives 0 as the default, its code 2000; the code is followed.";
    Uint max_per_ip = "50",
        "Largest number of sessions from one address at once; further ones are turned away with 421. 0 means no limit.",
        "vsftpd's manual gives 0 as the default, its code 50; the code is followed.";
    Uint anon_max_rate = "0",
        "Bytes per second an anonymous session may transfer. 0 means no limit.";
    Uint local_max_rate = "0",
        "Bytes per second a session with an account may transfer. 0 means no limit.";
    Uint trans_chunk_size = "0",
        "Bytes moved at once over a data connection, at most; less than 4096 counts as that. Small ones make a rate limit smoother. With 0 ironftpd chooses.";
    Bool use_sendfile = "YES",
        "Let the kernel send files by itself (sendfile(2)) where they are sent as they are. NO makes downloads slower, and may help with a file system that has trouble with it.";
    Uint idle_session_timeout = "300",
        "Seconds a session may spend between two commands before it is closed. 0 means no limit.";
    Uint data_connection_timeout = "300",
        "Seconds a transfer may stand still before it is given up with 426; the session goes on. 0 means no limit.",
        "vsftpd ends the session.";
    Uint accept_timeout = "60",
        "Seconds a client has to make a passive data connection. 0 means no limit.";
    Uint connect_timeout = "60",
        "Seconds an active data connection has to come about. 0 means the system's own limit.";
    Uint shutdown_grace = "60",
        "Seconds that transfers have left when the server is told to end (SIGTERM, SIGINT). No new session or command is taken meanwhile, and who is idle is told 421, and so is everybody whose transfer is over, or still running at the end of that time.",
        "Not an option of vsftpd, whose sessions are processes that outlive it.";
    Uint keepalive_interval = "100",
        "Seconds of silence on the control connection after which the system probes it, and then again and again. Nothing is said there during a long transfer, and routers that translate addresses forget silent connections, many after two to five minutes: the transfer would end well and its 226 never arrive. It also ends sessions whose client has vanished. 0 sends no probes; the largest value is 32767.",
        "Not an option of vsftpd, which leaves the interval to the system: two hours.";
}
"Names and languages" {
    Text client_charset = "",
        "Charset of file names at clients that do not use UTF-8: GBK, Big5, Shift_JIS, windows-1251 or another one of the WHATWG's list. Names are UTF-8 on the disk and are converted both ways; what the charset does not hold shows as a percent sign and two hexadecimal digits for each byte, and may be sent back so. A session begins in this charset, unless it is empty, and changes to UTF-8 when the client says OPTS UTF8 ON or sends a name that is UTF-8 and cannot be of the charset. OPTS UTF8 OFF takes it back. When empty, names are passed on byte by byte.",
        "Not an option of vsftpd.";
    Text default_language = "en",
        "Language of replies until a client says LANG: en or zh.",
        "Not an option of vsftpd.";
    Text host_names = "",
        "Names under which clients know this server, with commas between them; a name in the HOST command that is none of them is refused. Addresses may be among them; the address the client has connected to always counts. When empty, every name is accepted.",
        "Not an option of vsftpd.";
}
"Administration" {
    Path control_socket = "/run/ironftpd/control",
        "Unix socket through which ironftpctl(8) asks the running server: who is there, and to end a session, reload or drain. Only root and the user who started the server may use it. Where the default is not to be had, because another server has it or the directory may not be made, the server starts without; a path that is set must work. When empty there is none.",
        "Not an option of vsftpd.";
}
"Greeting and messages" {
    Text ftpd_banner = "",
        "Text of the greeting, in place of the built-in one.";
    Path banner_file = "",
        "File whose lines are the greeting; goes before ftpd_banner, unless it is empty.";
    Bool dirmessage_enable = "NO",
        "Show users the message_file of a directory when they first come to it in a session.";
    Text message_file = ".message",
        "File whose lines dirmessage_enable shows: in the directory, or if it begins with a slash in the user's root. What is longer than 32 KiB is cut off.",
        "vsftpd cuts off at 4000 bytes.";
}
"Logs" {
    Bool xferlog_enable = "NO",
        "Log transfers, and with vsftpd_log_file also who comes, log-ins and changes, in that file or, with xferlog_std_format, in xferlog_file.";
    Path vsftpd_log_file = "/var/log/vsftpd.log",
        "File that xferlog_enable and dual_log_enable write in vsftpd's own form, which fail2ban and others read; - or /dev/stdout is standard output, /dev/stderr standard error. It is opened before the server gives up root, and again when its name leads to another file or SIGHUP comes; ironftpd(8) says how to rotate it.",
        "Quotation marks in what clients say show as ?, and brackets in the names of users, as what is not printable ASCII does there too: in vsftpd a client can write what looks like another line, and have others banned. The number behind pid is that of the server, which is one process. SITE commands that vsftpd has not write COPY, COMBINE and SYMLINK.";
    Bool xferlog_std_format = "NO",
        "With xferlog_enable: write xferlog_file, in wu-ftpd's form, and not vsftpd_log_file.";
    Path xferlog_file = "/var/log/xferlog",
        "File of transfers in wu-ftpd's form, which many programs that count transfers read. Opened as vsftpd_log_file is.";
    Bool dual_log_enable = "NO",
        "Write both vsftpd_log_file and xferlog_file, whatever xferlog_enable and xferlog_std_format say.";
    Bool syslog_enable = "NO",
        "Send to syslog what would stand in vsftpd_log_file, with or without xferlog_enable: facility ftp, failed log-ins as warnings and the rest as information. The name before the lines is the one that the server was started by, ironftpd or vsftpd.";
    Bool wc_logs_enable = "NO",
        "Keep letters of all scripts in vsftpd_log_file, xferlog_file and syslog, in UTF-8; other bytes show as a backslash, x and two hexadecimal digits. With NO, whatever is not printable ASCII shows as a question mark.",
        "An option of Red Hat's vsftpd, which with NO shows such digits for all that is not ASCII.";
    Bool no_log_lock = "NO",
        "Write log files without taking their lock. With it, a program that takes the same lock (fcntl(2), F_SETLKW) can copy a file and cut it off without losing a line. Sessions do not wait for it.";
    Text log_format = "vsftpd",
        "Form of vsftpd_log_file, of syslog and of the event log on standard error: vsftpd, or json for a JSON object on each line, with names that are whole, and for transfers in MODE Z with wire_bytes: in all logs bytes are counted as MODE S would have sent them. The form of xferlog_file stays.",
        "Not an option of vsftpd.";
    Bool log_ftp_protocol = "NO",
        "Log every command and reply, in vsftpd_log_file or syslog, or in the event log where neither is in use. What PASS and ACCT say is left out.",
        "vsftpd shows what ACCT says, and logs none of it where neither is in use.";
    Bool setproctitle_enable = "NO",
        "Name the thread of each session after its user and the command under way, as in ftp:alice RETR: ps -L and top -H show it, with the user cut off after the sixth letter or so. It costs two calls to the system for each command or less.",
        "vsftpd's sessions are processes, whose whole line in ps it sets.";
    Bool trace_connections = "NO",
        "Draw every session on standard output as it happens: who connects from which port to which, the commands and replies, the bytes, and where something was refused or did not arrive. The same as --trace; ironftpd(8) shows such drawings. Passwords are left out.",
        "Not an option of vsftpd.";
}
}

impl Default for Config {
    /// The defaults of the table, put through the parser of the file.
    fn default() -> Config {
        let mut config = Config::empty();
        for spec in OPTIONS {
            if let Err(problem) = config.store(spec, spec.default.as_bytes()) {
                unreachable!("a test parses every default, yet {}: {problem}", spec.name);
            }
        }
        config
    }
}

#[cfg(test)]
mod tests;

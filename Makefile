# ironftpd. `make help` lists the targets; README.md says more.

# Where `make install` puts things. DESTDIR stands before every one of them.
PREFIX        ?= /usr/local
SBINDIR       ?= $(PREFIX)/sbin
MANDIR        ?= $(PREFIX)/share/man
DOCDIR        ?= $(PREFIX)/share/doc/ironftpd
SYSCONFDIR    ?= /etc
# systemd searches below /usr/local/lib too, so a package's unit files in
# /usr/lib are not in the way of ours.
UNITDIR       ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR   ?= $(PREFIX)/lib/sysusers.d
# libpam reads /etc/pam.d and no folder below a PREFIX.
PAMDIR        ?= $(SYSCONFDIR)/pam.d
# What stands in for Debian's common-auth and its like in the PAM file; empty
# where the system has those.
PAMSTACK      ?= $(if $(wildcard /etc/pam.d/common-auth),,$(notdir \
    $(firstword $(wildcard /etc/pam.d/password-auth /etc/pam.d/system-auth))))

CARGO         ?= cargo
TARGET        := $(or $(CARGO_TARGET_DIR),target)
# The folder `make install` takes the programs from.
BINARIES      ?= $(TARGET)/release
INSTALL       ?= install

# What `make run` serves. ARGS takes further options: ARGS='--write'.
DIR           ?= .
PORT          ?= 2121
ARGS          ?=
BENCH_ARGS    ?=

PROGRAMS      := ironftpd ironftpctl
MAN5          := $(wildcard man/*.5)
MAN7          := $(wildcard man/*.7)
MAN8          := $(wildcard man/*.8)
DOCUMENTS     := README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE
SCRIPTS       := .ci/run $(wildcard tests/*.sh tests/*/*.sh)
SETTINGS      := $(DESTDIR)$(SYSCONFDIR)/ironftpd.conf
SAMPLE        := $(DESTDIR)$(DOCDIR)/ironftpd.conf
PAM           := $(DESTDIR)$(PAMDIR)/ironftpd
PAM_SAMPLE    := $(DESTDIR)$(DOCDIR)/ironftpd.pam

# Tests append a line here for whatever they could not run, with the reason.
NOT_RUN       := $(abspath $(TARGET))/not-run.txt

.DEFAULT_GOAL := all
.PHONY: all run test lint bench docs install uninstall clean help

all: ## build ironftpd and ironftpctl (release)
	$(CARGO) build --release --locked --bins

# The folder reaches the shell through the environment, so that blanks and
# quotes in its name need no care; exec leaves one process for Ctrl-C to end.
run: export IRONFTPD_DIR := $(DIR)
run: all ## share DIR=. on 127.0.0.1 PORT=2121, read-only; more options by ARGS='...'
	@exec $(TARGET)/release/ironftpd --serve "$$IRONFTPD_DIR" --port $(PORT) $(ARGS)

# A user's PATH on Debian leaves out the folders of nft and other system tools.
test: export PATH := $(PATH):/usr/sbin:/sbin
test: export IRONFTPD_NOT_RUN := $(NOT_RUN)
test: ## run every test, after installing what the tests need or naming it
	@sh tests/requirements.sh
	@sh tests/conformance/peers.sh
	@mkdir -p $(TARGET) && : > $(NOT_RUN)
	$(CARGO) test --locked --no-fail-fast
	@sh tests/install.sh
	@if [ -s $(NOT_RUN) ]; then \
	    echo "All that ran has passed. Not run here:"; \
	    sort -u $(NOT_RUN) | sed 's/^/  /'; \
	else echo "Everything ran, and everything passed."; fi

lint: ## formatting, clippy, manual pages, shell scripts
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	@set -e; for page in $(MAN5) $(MAN7) $(MAN8); do \
	    echo "mandoc -T lint $$page"; mandoc -T lint -W warning $$page; done
	@if command -v shellcheck >/dev/null; then \
	    echo "shellcheck $(SCRIPTS)"; shellcheck $(SCRIPTS); \
	else echo "not run: shellcheck (apt-get install shellcheck)"; fi

bench: ## measure beside other servers and bare loops; options by BENCH_ARGS='...'
	sh tests/bench/peers.sh
	$(CARGO) bench --locked --bench ftp -- $(BENCH_ARGS)

docs: ## write anew the documents that come from the tables in the code
	UPDATE_DOCUMENTS=1 $(CARGO) test --locked --test documents

# No prerequisites: `sudo make install` after `make` must not run cargo as root,
# who may have none and would leave files the user cannot overwrite.
$(PROGRAMS:%=$(BINARIES)/%):
	$(CARGO) build --release --locked --bins

install: $(PROGRAMS:%=$(BINARIES)/%) ## install below DESTDIR; existing ironftpd.conf and PAM file stay as they are
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 \
	    $(if $(MAN7),$(DESTDIR)$(MANDIR)/man7) $(DESTDIR)$(DOCDIR) \
	    $(DESTDIR)$(SYSCONFDIR) $(DESTDIR)$(PAMDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR)
	$(INSTALL) -m 755 $(PROGRAMS:%=$(BINARIES)/%) $(DESTDIR)$(SBINDIR)
	$(if $(MAN5),$(INSTALL) -m 644 $(MAN5) $(DESTDIR)$(MANDIR)/man5)
	$(if $(MAN7),$(INSTALL) -m 644 $(MAN7) $(DESTDIR)$(MANDIR)/man7)
	$(if $(MAN8),$(INSTALL) -m 644 $(MAN8) $(DESTDIR)$(MANDIR)/man8)
	$(INSTALL) -m 644 $(DOCUMENTS) $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 644 etc/ironftpd.conf $(SAMPLE)
	sed -e 's|/usr/local/sbin/|$(SBINDIR)/|' -e 's|/etc/ironftpd|$(SYSCONFDIR)/ironftpd|' \
	    etc/ironftpd.service > $(DESTDIR)$(UNITDIR)/ironftpd.service
	chmod 644 $(DESTDIR)$(UNITDIR)/ironftpd.service
	$(INSTALL) -m 644 etc/ironftpd.sysusers $(DESTDIR)$(SYSUSERSDIR)/ironftpd.conf
	@if [ -e $(SETTINGS) ] || [ -L $(SETTINGS) ]; then \
	    echo "$(SETTINGS) is there already and stays; the sample is $(SAMPLE)"; \
	else \
	    echo "$(INSTALL) -m 644 etc/ironftpd.conf $(SETTINGS)"; \
	    $(INSTALL) -m 644 etc/ironftpd.conf $(SETTINGS); \
	fi
	sed '$(if $(PAMSTACK),s|common-[a-z]*$$|$(PAMSTACK)|)' etc/pam.d/ironftpd > $(PAM_SAMPLE)
	chmod 644 $(PAM_SAMPLE)
	@if [ -e $(PAM) ] || [ -L $(PAM) ]; then \
	    cmp -s $(PAM) $(PAM_SAMPLE) || \
	        echo "$(PAM) is there already and stays; the sample is $(PAM_SAMPLE)"; \
	else \
	    echo "$(INSTALL) -m 644 $(PAM_SAMPLE) $(PAM)"; \
	    $(INSTALL) -m 644 $(PAM_SAMPLE) $(PAM); \
	fi

# The samples beside the documents tell whether the originals were changed.
uninstall: ## remove what install put there; what was changed in /etc stays
	@if cmp -s $(SETTINGS) $(SAMPLE); then \
	    echo "rm -f $(SETTINGS)"; rm -f $(SETTINGS); \
	elif [ -e $(SETTINGS) ] || [ -L $(SETTINGS) ]; then \
	    echo "$(SETTINGS) was changed and stays"; \
	fi
	@if cmp -s $(PAM) $(PAM_SAMPLE); then \
	    echo "rm -f $(PAM)"; rm -f $(PAM); \
	elif [ -e $(PAM) ] || [ -L $(PAM) ]; then \
	    echo "$(PAM) was changed and stays"; \
	fi
	rm -f $(PROGRAMS:%=$(DESTDIR)$(SBINDIR)/%)
	rm -f $(MAN5:man/%=$(DESTDIR)$(MANDIR)/man5/%) $(MAN7:man/%=$(DESTDIR)$(MANDIR)/man7/%) \
	    $(MAN8:man/%=$(DESTDIR)$(MANDIR)/man8/%)
	rm -f $(DESTDIR)$(UNITDIR)/ironftpd.service $(DESTDIR)$(SYSUSERSDIR)/ironftpd.conf
	rm -f $(DOCUMENTS:%=$(DESTDIR)$(DOCDIR)/%) $(SAMPLE) $(PAM_SAMPLE)
	@if [ -d $(DESTDIR)$(DOCDIR) ]; then rmdir --ignore-fail-on-non-empty $(DESTDIR)$(DOCDIR); fi

clean: ## remove all that was built
	$(CARGO) clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | sort | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

# ironftpd. `make help` lists the targets; README.md says more.

# Where `make install` puts things. DESTDIR stands before every one of them.
PREFIX        ?= /usr/local
SBINDIR       ?= $(PREFIX)/sbin
MANDIR        ?= $(PREFIX)/share/man
DOCDIR        ?= $(PREFIX)/share/doc/ironftpd
# The shells look here as well as below /usr/share.
BASHDIR       ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR        ?= $(PREFIX)/share/zsh/site-functions
FISHDIR       ?= $(PREFIX)/share/fish/vendor_completions.d
SYSCONFDIR    ?= /etc
# systemd searches below /usr/local/lib too, so a package's unit files in
# /usr/lib are not in the way of ours.
UNITDIR       ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR   ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR   ?= $(PREFIX)/lib/tmpfiles.d
# libpam, xinetd and logrotate read no folder below a PREFIX.
PAMDIR        ?= $(SYSCONFDIR)/pam.d
XINETDDIR     ?= $(SYSCONFDIR)/xinetd.d
LOGROTATEDIR  ?= $(SYSCONFDIR)/logrotate.d
# What stands in for Debian's common-auth and its like in the PAM file; empty
# where the system has those.
PAMSTACK      ?= $(if $(wildcard /etc/pam.d/common-auth),,$(notdir \
    $(firstword $(wildcard /etc/pam.d/password-auth /etc/pam.d/system-auth))))

CARGO         ?= cargo
TARGET        := $(or $(CARGO_TARGET_DIR),target)
# The folder `make install` takes the programs from.
BINARIES      ?= $(TARGET)/release
INSTALL       ?= install
# The folder `make deb` leaves the package in.
OUTPUT        ?= $(TARGET)

# What `make run` serves. ARGS takes further options: ARGS='--write'.
DIR           ?= .
PORT          ?= 2121
ARGS          ?=
BENCH_ARGS    ?=

PROGRAMS      := ironftpd ironftpctl
MANUALS       := $(wildcard man/*.[1-9])
DOCUMENTS     := README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE
SCRIPTS       := .ci/run $(wildcard etc/debian/p* etc/completions/bash/* etc/*/*.sh tests/*.sh tests/*/*.sh)
EXAMPLESDIR    = $(DOCDIR)/examples

# What is installed, each as source:place. First what goes there as it is,
to             = $(foreach file,$(1),$(file):$(2)/$(notdir $(file)))
COPIED         = $(foreach page,$(MANUALS),$(page):$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page))) \
    $(call to,$(DOCUMENTS),$(DOCDIR)) \
    $(call to,$(wildcard etc/completions/bash/*),$(BASHDIR)) \
    $(call to,$(wildcard etc/completions/zsh/*),$(ZSHDIR)) \
    $(call to,$(wildcard etc/completions/fish/*),$(FISHDIR)) \
    etc/ironftpd.sysusers:$(SYSUSERSDIR)/ironftpd.conf \
    etc/ironftpd.tmpfiles:$(TMPFILESDIR)/ironftpd.conf
# then what names other files and is told where they are,
ADAPTED        = $(call to,$(wildcard etc/*.service etc/*.socket),$(UNITDIR)) \
    $(call to,etc/inetd.conf etc/local-users.conf,$(EXAMPLESDIR))
# and what an administrator may change, which then stays as it is. The same
# below EXAMPLESDIR tells whether it was changed.
SETTINGS       = ironftpd.conf:$(SYSCONFDIR)/ironftpd.conf pam.d/ironftpd:$(PAMDIR)/ironftpd \
    xinetd.d/ironftpd:$(XINETDDIR)/ironftpd logrotate.d/ironftpd:$(LOGROTATEDIR)/ironftpd

ADAPT          = sed -e 's|/usr/local/sbin/|$(SBINDIR)/|' -e 's|/etc/ironftpd|$(SYSCONFDIR)/ironftpd|' \
    $(if $(PAMSTACK),-e 's|common-[a-z]*$$|$(PAMSTACK)|')
source         = $(firstword $(subst :, ,$(1)))
place          = $(DESTDIR)$(lastword $(subst :, ,$(1)))
example        = $(DESTDIR)$(EXAMPLESDIR)/$(call source,$(1))
places         = $(foreach pair,$(1),$(call place,$(pair)))
folders        = $(sort $(dir $(1)))
define newline


endef

# Tests append a line here for whatever they could not run, with the reason.
NOT_RUN       := $(abspath $(TARGET))/not-run.txt

.DEFAULT_GOAL := all
.PHONY: all run test lint bench docs install uninstall deb clean help

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
	@sh tests/completions.sh
	@sh tests/deb.sh
	@if [ -s $(NOT_RUN) ]; then \
	    echo "All that ran has passed. Not run here:"; \
	    sort -u $(NOT_RUN) | sed 's/^/  /'; \
	else echo "Everything ran, and everything passed."; fi

lint: ## formatting, clippy, manual pages, shell scripts
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	@set -e; for page in $(MANUALS); do \
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

# An example of an earlier version that was left unchanged is followed by the new one.
install: $(PROGRAMS:%=$(BINARIES)/%) ## install below DESTDIR; what was changed in /etc stays as it is
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(call folders,$(call places,$(COPIED) $(ADAPTED) $(SETTINGS)) \
	    $(foreach pair,$(SETTINGS),$(call example,$(pair))))
	$(INSTALL) -m 755 $(PROGRAMS:%=$(BINARIES)/%) $(DESTDIR)$(SBINDIR)
	$(foreach pair,$(COPIED),$(INSTALL) -m 644 $(call source,$(pair)) $(call place,$(pair))$(newline)	)
	$(foreach pair,$(ADAPTED),$(ADAPT) $(call source,$(pair)) >$(call place,$(pair))$(newline)	)
	chmod 644 $(call places,$(ADAPTED))
	$(foreach pair,$(SETTINGS),@$(call settle,$(call place,$(pair)),$(call example,$(pair)),etc/$(call source,$(pair)))$(newline)	)

define settle
set -e; $(ADAPT) $(3) >$(2).new; chmod 644 $(2).new; \
	if [ ! -e $(1) ] && [ ! -L $(1) ] || cmp -s $(1) $(2); then \
	    echo "$(INSTALL) -m 644 $(3) $(1)"; $(INSTALL) -m 644 $(2).new $(1); \
	elif ! cmp -s $(1) $(2).new; then \
	    echo "$(1) was changed and stays; the sample is $(2)"; \
	fi; mv $(2).new $(2)
endef

uninstall: ## remove what install put there; what was changed in /etc stays
	$(foreach pair,$(SETTINGS),@$(call unsettle,$(call place,$(pair)),$(call example,$(pair)))$(newline)	)
	rm -f $(PROGRAMS:%=$(DESTDIR)$(SBINDIR)/%)
	$(foreach place,$(call places,$(COPIED) $(ADAPTED)),rm -f $(place)$(newline)	)
	@for folder in $(call folders,$(foreach pair,$(SETTINGS),$(call example,$(pair)))) \
	    $(DESTDIR)$(EXAMPLESDIR) $(DESTDIR)$(DOCDIR); do \
	    if [ -d $$folder ]; then rmdir --ignore-fail-on-non-empty $$folder; fi; \
	done

define unsettle
if cmp -s $(1) $(2); then \
	    echo "rm -f $(1)"; rm -f $(1); \
	elif [ -e $(1) ] || [ -L $(1) ]; then \
	    echo "$(1) was changed and stays"; \
	fi; rm -f $(2)
endef

deb: $(PROGRAMS:%=$(BINARIES)/%) ## build a Debian package, in OUTPUT=target
	BINARIES='$(BINARIES)' OUTPUT='$(OUTPUT)' sh etc/debian/build.sh

clean: ## remove all that was built
	$(CARGO) clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | sort | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

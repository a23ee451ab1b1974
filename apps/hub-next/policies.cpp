#include "apps/hub-next/policies.hpp"

namespace atrium::hub_next {

namespace {

constexpr policy all[] = {
    {"terms", "Terms",
     "This site is run by the organization that installed it. It decides who may have an account and what projects may "
     "use.\n\n"
     "# What you may do\n\nUse your projects for work, study and research, alone or with people that you add to "
     "them.\n\n"
     "# What you may not do\n\nBreak the law, attack other computers, disturb other people's projects, mine "
     "currencies, or get around the limits of your projects. "
     "Accounts that do so can be suspended.\n\n"
     "# Your data\n\nWhat you put into a project stays yours. People that you add to a project can read and change "
     "everything in it.\n\n"
     "# No warranty\n\nThe service is offered as it is. Keep copies of what you cannot afford to lose."},
    {"privacy", "Privacy",
     "# What is stored\n\nYour name, your e-mail address, a one-way hash of your password, the address that your "
     "account was made from, when you were last here, and what you put into your projects.\n\n"
     "# Cookies\n\nOne cookie, atrium_session, keeps you signed in. It is set when you sign in and removed when you "
     "sign out. There is no tracking and no third-party content on these pages.\n\n"
     "# Who sees what\n\nPeople on a project see your name, what you do in it and when. Other people who search for "
     "you see your name only; your e-mail address must be known to find you by it.\n\n"
     "# Leaving\n\nAsk the operator of this site (see the imprint) for a copy of your data or to have it deleted."},
    {"cookies", "Cookies",
     "One cookie, atrium_session, keeps you signed in for at most six months. It holds a random number, no data about "
     "you. Without it you cannot sign in."},
    {"copyright", "Copyright",
     "Respect the rights of others in what you upload and publish. If something here infringes yours, write to the "
     "operator (see the imprint) and say where it is; "
     "what infringes is taken down."},
    {"accessibility", "Accessibility",
     "These pages follow WCAG 2.2 at level AA: they work with the keyboard alone, with screen readers, at 200 % zoom, "
     "in light, dark and forced colours, and without JavaScript up to signing in.\n\n"
     "If something keeps you out, tell the operator of this site (see the imprint): we treat it as a fault."},
    {"imprint", "Imprint",
     "This site is run by the organization that gave you its address. Its administrators can state their name, address "
     "and contact here: site setting policy_imprint."},
    {"dpa", "Data processing",
     "An agreement on data processing is made with the operator of this site. Ask for it at the contact in the "
     "imprint."},
    {"thirdparties", "Third parties",
     "This site sends no data to third parties, and its pages load nothing from elsewhere. Programs that you run "
     "inside your projects may: that is up to you."},
    {"trust", "Security",
     "Passwords are kept as argon2id hashes, sessions and API keys as hashes. Each project runs in an isolated "
     "container of its own, as an unprivileged user. "
     "Removing a person from a project ends that person's open connections to it at once.\n\nReport a weakness to the "
     "operator of this site (see the imprint) before you publish it."},
};

}  // namespace

std::span<const policy> policies() noexcept { return all; }

}  // namespace atrium::hub_next

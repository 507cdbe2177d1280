"""All commands; each is loaded when it is used."""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS = {
    "keygen": "dcdist.cli.commands.keygen",
    "publish": "dcdist.cli.commands.publish",
    "ls": "dcdist.cli.commands.ls",
    "show": "dcdist.cli.commands.show",
    "fetch": "dcdist.cli.commands.fetch",
    "seed": "dcdist.cli.commands.seed",
    "verify": "dcdist.cli.commands.verify",
    "doctor": "dcdist.cli.commands.doctor",
}
"""In the order of a release's life; each module has its command as `command`."""


class Application(click.Group):
    """All commands. What a command needs is imported only when it runs: a fetch should start at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(_COMMANDS[cmd_name]).command
        return command if isinstance(command, click.Command) else None

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The exit codes, as the tree of errors has them."""
        from dcdist.cli.faults import exit_codes

        del ctx
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in exit_codes()])


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        import dcdist

        click.echo(f"dcdist {dcdist.__version__}")
        ctx.exit()


@click.group(cls=Application, context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def application() -> None:
    """Bring VM images from object storage to many hosts at once; the hosts also give to each other.

    A publisher makes a key pair (keygen) and puts images into a store as DEMO@VERSION (publish). Hosts fetch them
    (fetch). ls and show list what a store has, verify checks what a host has, seed gives to other hosts, doctor says
    whether a host is ready.

    \b
      python -m dcdist keygen --out keys
      python -m dcdist publish web-demo@1 web.xva --store file:///srv/dcdist --key keys/publisher.key
      python -m dcdist fetch web-demo --store file:///srv/dcdist --trust keys/publisher.pub \\
          --dest /images --cache /var/cache/dcdist
    """  # noqa: D301

"""What the simulators say to people, in zh-CN or en, by the terminal's language."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

Language = Literal["zh-CN", "en"]

WORDS: dict[str, tuple[str, str]] = {
    # heads of tables
    "address": ("地址", "address"),
    "food": ("样品", "food"),
    "instrument": ("仪器", "instrument"),
    "number": ("编号", "number"),
    "page": ("页面", "page"),
    "serial": ("序列号", "serial"),
    "stall": ("摊位", "stall"),
    "stands": ("仪器在这里", "where the analysers are"),
    "test": ("项目", "test"),
    "model": ("型号", "model"),
    "value": ("检测值", "value"),
    "url": ("网关设置里的地址", "link URL for the gateway"),
    "what-next": ("公示屏", "public screen"),
    # a morning
    "acknowledged": ("网关已收下", "acknowledged by the gateway"),
    "cable-plugged": ("{id}：线插回去了", "{id}: the cable is back"),
    "cable-pulled": ("{id}：线被拔了", "{id}: the cable was pulled"),
    "finished": ("完成：{count} 条已被收下", "finished: {count} acknowledged"),
    "shown": ("立即公示", "shown at once"),
    "held": ("先不公示，等人处理", "held for a person"),
    "invalid": ("无效，重测", "invalid, to be rerun"),
    "not-public": ("质控，不公示", "a control, not for the public"),
    # the demonstration
    "broker": ("MQTT 代理", "MQTT broker"),
    "demo-starts": ("正在开市：{stations} 个站", "opening the market: {stations} station(s)"),
    "demo-stops": ("正在收市……", "closing the market ..."),
    "demo-title": (
        "演示市场（全部是演示数据）",
        "a market for demonstration (every result is invented)",
    ),
    "expected": ("接下来的结果", "results to expect now"),
    "first-rows": ("{station}：公示屏上有 {rows} 行", "{station}: {rows} rows on the screen"),
    "health": ("状态", "health"),
    "kiosk": ("公示屏 {station}", "kiosk {station}"),
    "kiosk-en": ("公示屏 {station}（英文）", "kiosk {station} (English)"),
    "stop-it": ("按 Ctrl-C 结束。", "Press Ctrl-C to stop."),
    # what can go wrong
    "child-died": (
        "{name} 意外退出（代码 {code}），它最后说：",
        "{name} ended by itself (exit {code}); its last words:",
    ),
    "no-key": (
        "kj-lab key add：应当打印一个密钥，得到：{said}",
        "kj-lab key add: a key expected, {said} found",
    ),
    "no-lab": (
        "{url}：{seconds} 秒内应当成功，最后得到：{said}",
        "{url}: success within {seconds} s expected, last found: {said}",
    ),
    "port-taken": (
        "端口 {port}：应当空闲，却已被占用。请用 --port 换一个。",
        "port {port}: a free one expected, one in use found; choose another with --port",
    ),
    "port-refused": (
        "端口 {port}：应当可用，得到：{why}",
        "port {port}: one that may be used expected, found: {why}",
    ),
    "dials-nowhere": (
        "{id}：拨号的端口应当已知，得到 0",
        "{id}: a port to dial expected, 0 found",
    ),
    # help
    "help": (
        "没有见过我们代码的模拟分析仪。",
        "Analysers that pretend, and have never seen our code.",
    ),
    "help-run": ("按场景演一个早市。", "Play a scenario."),
    "help-demo": (
        "一台机器上的整个市场：网关、快检室和模拟仪器。",
        "A whole market on this machine: gateway, lab and simulated analysers.",
    ),
    "help-fleet": (
        "许多台同类仪器，各占一个虚拟串口；Modbus 每十六台共用一条总线。",
        "Many analysers of a kind, each on a pty of its own; sixteen Modbus units share a bus.",
    ),
    "help-count": ("收下这么多条后结束", "end after so many acknowledged messages"),
    "help-every": ("每台仪器隔多少秒出一个结果", "seconds between two results of one analyser"),
    "help-folder": ("虚拟串口放在这个文件夹", "folder for the ptys"),
    "help-json": ("以 JSON 打印", "print JSON"),
    "help-kind": ("仪器说什么话", "what the analysers speak"),
    "help-lan": ("让同一网络里的屏幕也能看网页", "let screens on the same network see the pages"),
    "help-number": ("多少台", "how many"),
    "help-port": ("网页端口", "port of the web pages"),
    "help-scenario": (
        "场景名（{known}）或 YAML 文件",
        "a scenario's name ({known}) or a YAML file",
    ),
    "help-seed": ("随机种子；默认用场景里的", "seed; by default the scenario's own"),
    "help-stations": ("多少个站", "how many stations"),
}


def language(environment: Mapping[str, str] = os.environ) -> Language:
    """Return the language of the terminal: zh-CN where it says so, else en.

    >>> language({"LANG": "zh_CN.UTF-8"})
    'zh-CN'
    """
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    said = next((environment[name] for name in names if environment.get(name)), "")
    return "zh-CN" if said.lower().startswith("zh") else "en"


def word(key: str, **values: object) -> str:
    """Return a text in the terminal's language, filled in."""
    chinese, english = WORDS[key]
    return (chinese if language() == "zh-CN" else english).format(**values)

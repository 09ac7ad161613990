"""Known ways to give a language model orders that are not its owner's.

Patterns catch the known attacks cheaply and let benign talk about ignoring or
instructions pass; a new family of attacks passes too. They are one layer:
what protects is that passages are marked as data and that the generator has no
tools.

All patterns are matched on normalised text (`domain.text.normalise`) and every
repetition in them is bounded, so that no input makes them slow.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from headwater_kit.core.events import Finding

from headwater_guard.domain.findings import Policy
from headwater_guard.domain.text import Span, normalise, sentences


@dataclass(frozen=True, slots=True)
class Rule:
    """A family of attacks: its name and what it looks like in normalised text."""

    kind: str
    pattern: re.Pattern[str]


def _rule(kind: str, *alternatives: str) -> Rule:
    return Rule(kind, re.compile("|".join(f"(?:{alternative})" for alternative in alternatives)))


# Up to so many words between the parts of a phrase.
_FEW = r"\W{1,3}(?:[\w'’-]{1,20}\W{1,3}){0,4}?"
_ORDERS = (
    r"(?:instructions?|prompts?|directions?|directives?|rules?|guidelines?|orders?|commands?|programming|training"
    r"|constraints?|restrictions?|polic(?:y|ies)|assignments?|tasks?|messages?|conversation|context)"
)
_FORMER = (
    r"(?:previous(?:ly)?|prior|above|preceding|earlier|foregoing|former|past|initial|original|given|existing|system"
    r"|developer'?s?|safety|your|all (?:the|of the|of your|your|those|these|other))"
)
_IGNORE = (
    r"(?:ignore|disregard|forget|neglect|override|overrule|bypass|overlook|abandon|discard|cancel|unlearn"
    r"|(?:do not|don't|dont|never|stop) (?:listen(?:ing)? to|follow(?:ing)?|obey(?:ing)?|mind(?:ing)?)"
    r"|pa(?:y|ying) no attention to|(?:have )?forgotten)"
)
_TELL = (
    r"(?:reveal|show|print|output|repeat|display|tell|give|leak|expose|recite|translate|summari[sz]e|spell|encode"
    r"|write (?:down|out)|copy|list|disclose|return|share|what (?:is|are|was|were))"
)

OVERRIDE = _rule(
    "override",
    rf"\b{_IGNORE}{_FEW}{_FORMER}{_FEW}{_ORDERS}\b",
    rf"\b{_IGNORE}{_FEW}{_ORDERS}{_FEW}(?:above|before|previously|given to you|you (?:got|were given|have|received|learned))\b",
    rf"\b{_IGNORE} (?:all|any|every|your) {_ORDERS}\b",
    rf"\b{_IGNORE} (?:all|everything|anything|whatever|what)\b.{{0,20}}\b(?:above|before|previously|prior|said|told|learned)\b",
    # Out of bounds, by any verb, where it is the model's own bounds.
    r"\b(?:bypass|break|violate|abandon|suspend|set aside|put aside|disable|discard|drop|defy|disobey|deviate from|override|remove|lift|transcend"
    r"|circumvent|turn off|deactivate|abolish|suppress)\b.{0,12}\b(?:your|usual|standard|built-?in) (?:\w{1,15} ){0,3}?(?:protocols?|restrictions?"
    r"|safeguards?|ethic\w{0,4}|guardrails?|limits|limitations?|training|procedures|algorithms?|filters?|constraints|guidelines|programming)\b",
    r"\b(?:follow|obey|prioriti[sz]e|execute|adhere to|focus on|listen to)\b.{0,20}\b(?:only|exclusively|solely|just)\b.{0,12}\bmy (?:\w{1,12} )?"
    r"(?:instructions|demands|requests|directives|orders|commands)\b",
    r"\b(?:exclusively|solely|only) (?:follow|obey|execute|adhere to|focus on) my (?:\w{1,12} )?(?:instructions|demands|requests|directives|orders|commands)\b",
    # German, French, Spanish, Portuguese, Italian, Dutch
    r"\b(?:ignorier\w{0,3}|vergiss|vergessen sie|missacht\w{1,3})\b.{0,40}\b(?:anweisung|anleitung|instruktion|regel|befehl|vorgabe)",
    r"\b(?:ignore[rz]?|oublie[rz]?|neglige[rz]?)\b.{0,40}\b(?:instructions?|consignes?|regles?|directives?|ordres?)\b.{0,20}"
    r"\b(?:precedent|ci-dessus|anterieur|avant|donne|initial)",
    r"\b(?:ignor[ae]|ignorar|olvid[ae]|olvidar|omit[ae]|descart[ae])\b.{0,40}\b(?:instrucciones|indicaciones|ordenes|reglas)\b",
    r"\b(?:ignor[ae]|ignorar|esquec?[ae]|desconsider[ae])\b.{0,40}\b(?:instruc(?:o|a)es|ordens|regras|comandos)\b",
    r"\b(?:ignora|dimentica|trascura)\b.{0,40}\b(?:istruzioni|regole|ordini|indicazioni)\b",
    r"\b(?:negeer|vergeet)\b.{0,40}\b(?:instructies|opdrachten|regels|aanwijzingen)\b",
    # Russian, Chinese, Japanese, Korean
    r"(?:игнорируй|забудь|проигнорируй|не обращай внимания на)\w{0,3}.{0,40}(?:инструкци|указани|правил|команд|приказ)",
    r"(?:忽略|無視|无视|忘记|忘記|忘掉|不要理会|不要遵守|不要遵循|抛开|撤销).{0,10}(?:之前|以前|以上|前面|上述|上面|先前|此前|所有|全部|一切|你的|系统)"
    r".{0,10}(?:指令|指示|提示|规则|規則|说明|要求|命令|设定|限制|内容)",
    r"(?:これまで|今まで|以前|上記|前|すべて|全て|元).{0,8}(?:指示|命令|指令|プロンプト|ルール|制約).{0,6}(?:無視|忘れ|破棄)",
    r"(?:이전|위의|앞의|앞선|모든|지금까지).{0,10}(?:지시|명령|프롬프트|규칙|지침).{0,6}(?:무시|잊)",
)
REVEAL = _rule(
    "reveal",
    rf"\b{_TELL}{_FEW}(?:your|system|developer'?s?|hidden|initial|original|secret) (?:\w{{1,12}} ){{0,2}}?"
    r"(?:prompts?|instructions?|directives?|guidelines|rules|programming)\b",
    rf"\b{_TELL}{_FEW}(?:above|previous|preceding|prior) (?:\w{{1,12}} ){{0,2}}?(?:prompts?|instructions?|directives?)\b",
    rf"\b{_TELL}{_FEW}(?:prompts?|instructions?|text|words?|everything) (?:above|so far|you were given|given to you|before this)\b",
    r"\b(?:what|which|show|tell|share|reveal|repeat|describe|explain|reiterate|restate|disclose|unveil|divulge)\b.{0,40}\b(?:initial|original|base|core|primary"
    r"|starting|hidden|underlying|first|key|central|foundational|fundamental|essential) (?:training |programming |system )?(?:prompt|instructions?|directives?|commands?)\b"
    r".{0,40}\b(?:you|your|ai)\b",
    r"\b(?:prompt|instruction|command|directive)s? (?:that )?(?:you (?:used|received|were given|got)|(?:was|were) (?:given|used))\b",
    r"\brepeat (?:the|all)(?: the)? (?:instructions|words above|text above)\b",
    r"\b(?:reveal|tell|give|leak|spell|disclose|share)\b.{0,30}\b(?:secret|hidden) (?:word|password|key|code|phrase)\b",
    r"(?:输出|显示|告诉|重复|打印|泄露|透露).{0,10}(?:系统|初始|隐藏|你的|上面).{0,4}(?:提示词|提示|指令|设定)",
    r"\b(?:zeig|verrate|nenne|gib)\w{0,2}\b.{0,30}\b(?:system-?prompt|anweisungen|systemanweisung)",
)
PERSONA = _rule(
    "persona",
    r"\bdo anything now\b",
    r"\b(?:dan|jailbr[eo]ake?n?|developer|god|debug|evil|unrestricted|apophis|sudo) mode\b.{0,40}\b(?:enabled|on|activated?|now|output)\b",
    r"\b(?:enable|activate|enter|turn(?:ed)? on|switch (?:in)?to)\b.{0,20}\b(?:dan|jailbr[eo]ake?n?|god|evil|unrestricted) mode\b",
    r"\byou (?:are|will be|act as)\b.{0,30}\bdan\b",
    r"\b(?:you are|you're|act|answer|behave|respond|pretend|role-?play|imagine)\b.{0,60}\b(?:without|no|free of|not bound by|not restricted by"
    r"|does not follow|broken free of|ignor(?:es?|ing)) (?:any |all |the |its |your )?(?:\w{1,12} )?"
    r"(?:restrictions?|rules?|limitations?|limits|filters?|guidelines|ethic\w{0,5}|censorship|morals?|safety)\b",
    r"\b(?:you are|you're) no longer\b.{0,30}\b(?:bound|restricted|limited|an? ai|assistant|required)\b",
    r"\bfrom now on,? (?:you|ignore|act|answer|reply|respond)\b",
    r"\bnew (?:system )?(?:instructions?|prompt|persona)\s?:",
    r"从现在开始.{0,6}你(?:是|将|要|必须)",
)
FORGED = _rule(
    "forged_role",
    r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|>",
    r"\[/?inst\]|<</?sys>>",
    r"</?(?:system|assistant|instructions?|system_prompt)>",
    r"^\W{0,6}(?:system|developer) (?:prompt|message|instructions?|override)\W{0,2}:|[{\[#]\W{0,3}(?:system|assistant|developer)\W{0,2}:",
    r"\b(?:begin|start|end) of (?:system|user|developer) (?:prompt|message|instructions?|input)\b",
)
# Not output, message or solution: handbooks rightly tell their readers what to do with theirs.
_ANSWER = r"(?:response|answer|reply|elucidation|replies|answers|responses)"
ADDRESSED = _rule(
    "addressed",
    # A document that tells its reader how to answer.
    rf"^\W{{0,4}}(?:please |now |then |also |instead |kindly |you (?:must|should|need to|have to) |always |be sure to |make sure to )?"
    r"(?:add|include|insert|mention|append|write|provide|give|integrate|embed|incorporate|enhance|modify|translate|encode|encrypt|reverse"
    r"|convert|present|format|deliver|end|start|begin|conclude|finish|preface|prefix|use|utili[sz]e|make|turn|replace|render|craft|compose|express"
    rf"|ensure|alter|change|transform|shift|scramble|substitute|suggest|introduce|weave|adapt|rewrite|display|print|output|misspell|jumble|rearrange|group"
    rf"|remove|combine|augment|anagram|omit|drop|swap|switch|mix|repeat|capitali[sz]e|shuffle|mask|hide|feature|promote|advertise)\b.{{0,80}}\byour {_ANSWER}\b",
    rf"^\W{{0,4}}in your {_ANSWER}\W",
    r"^\W{0,4}(?:please |now |always |only |you (?:must|should) )?(?:respond|reply|answer)\b\W{1,2}(?:only|solely|exclusively|always|backwards?|to the user"
    r"|(?:in|with|using|by) (?:base|caesar|morse|emoji|reverse|pirate|rot|uppercase|spanish|french|german|italian|russian|chinese|japanese))",
    r"\b(?:attention|note to|message (?:to|for)|dear|hey|hello|hi|important for)\b.{0,20}\b(?:ai|assistants?|language models?|llms?|chatbots?|gpt)\b",
    r"\b(?:if|as|since|because) you(?:'re| are)? (?:an? )?(?:ai|artificial intelligence|llm|large language model|language model|chatbot|assistant)\b",
    r"^\W{0,4}(?:ai|assistant|llm|chatgpt|chatbot)(?: model| assistant)?\s?,",
    r"\b(?:do not|don't|never) (?:tell|inform|mention|reveal|show)\b.{0,20}\b(?:the )?user\b",
    r"(?:在|把|将).{0,6}(?:你的|您的)(?:回答|回复|答案|输出)",
)
EXFILTRATE = _rule(
    "exfiltrate",
    r"!\[[^\]]{0,80}\]\(\s?https?://[^)]{0,200}[{=$<\[]",
    r"^\W{0,4}(?:please |now |then |also |first )?(?:send|post|upload|forward|transmit|e-?mail|exfiltrate|submit) (?:the|this|all|any|your|our|every|a copy)\b"
    r".{0,60}\b(?:conversation|chat|history|answer|question|user'?s?|secret|password|credentials"
    r"|api keys?|passages?|documents?)\b.{0,40}(?:https?://|www\.|\b[\w.+-]{1,40}@[\w-]{1,40}\.)",
)

# A sentence without any of these is none of the above; most have none, and this is ten times as fast to see.
_HINT = re.compile(
    r"ignor|disreg|forg[eo]t|negl|overr|bypass|overl|abandon|discard|cancel|unlearn|listen|follow|obey|mind|attention|prompt|instruc"
    r"|directi|rule|guideline|order|command|secret|hidden|dan|jailbr|mode|restrict|limit|filter|ethic|unbound|bound|from now|system|assistant"
    r"|developer|<|\[|respon|answer|reply|replies|output|elucid|explan|summar|solution|message|\bai\b|model|llm|gpt|chatbot|user|send|post|upload"
    r"|forward|transmit|mail|exfil|protocol|safe|training|procedure|algorithm|constraint|program|demand|request|words above|text above"
    r"|verg[ei]|missacht|oubli|olvid|omit|descart|esque|desconsid|diment|trasc|negeer|anweis|[^\x00-\x7f]"
)
# What a question may not hold, and what a passage may not.
IN_QUESTIONS = (OVERRIDE, REVEAL, PERSONA, FORGED)
IN_PASSAGES = (*IN_QUESTIONS, ADDRESSED, EXFILTRATE)


def find(text: str, rules: Sequence[Rule]) -> list[Finding]:
    """The sentences in which a rule sees an attack, and pairs of neighbours where it takes both to see it."""
    found: list[Finding] = []
    before, before_text = Span(0, 0), ""
    for span in sentences(text):
        normal = normalise(text[span.start : span.end])
        hits = _match(normal, rules, span)
        # An instruction may be split over two sentences or lines to slip through.
        if not hits and before_text and not (found and found[-1].end == before.end):
            hits = _match(f"{before_text} {normal}", rules, Span(before.start, span.end))
        found += hits
        before, before_text = span, normal
    return found


def _match(normal: str, rules: Sequence[Rule], span: Span) -> list[Finding]:
    if not _HINT.search(normal):
        return []
    return [Finding(Policy.INJECTION, rule.kind, span.start, span.end) for rule in rules if rule.pattern.search(normal)]

"""The families of known attacks, as patterns over normalised text (`domain.text.normalise`).

Every repetition is bounded, so that no input makes them slow. In the word
lists an underscore stands for a space.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A family of attacks: its name and what it looks like."""

    kind: str
    pattern: re.Pattern[str]


def words(*lists: str) -> str:
    """A pattern for one of the words."""
    alternatives = (word.replace("_", " ") for words in lists for word in words.split())
    return f"(?:{'|'.join(alternatives)})"


def phrase(*parts: str) -> str:
    """A pattern for whole words in this order, up to four words apart."""
    return rf"\b{_FEW.join(parts)}\b"


def near(characters: int, *parts: str) -> str:
    """A pattern for whole words in this order, up to so many characters apart."""
    return r"\b" + rf"\b.{{0,{characters}}}\b".join(parts) + r"\b"


def rule(kind: str, *alternatives: str) -> Rule:
    """A family with its members."""
    return Rule(kind, re.compile("|".join(f"(?:{alternative})" for alternative in alternatives)))


_FEW = r"\W{1,3}(?:[\w'’-]{1,20}\W{1,3}){0,4}?"
_WORDS = r"(?:\w{1,15} ){0,3}?"

IGNORE = words(
    "ignore disregard forget neglect override overrule bypass overlook abandon discard cancel unlearn",
    "(?:do_not|don't|dont|never|stop)_(?:listen(?:ing)?_to|follow(?:ing)?|obey(?:ing)?|mind(?:ing)?)",
    "pa(?:y|ying)_no_attention_to (?:have_)?forgotten",
)
# Whose orders: without one of these, "ignore the instructions on the label" would be an attack.
FORMER = words(
    "previous(?:ly)? prior above preceding earlier foregoing former past initial original given existing",
    "system developer'?s? safety your all_(?:the|of_the|of_your|your|those|these|other)",
)
ORDERS = words(
    "instructions? prompts? directions? directives? rules? guidelines? orders? commands? programming training",
    "constraints? restrictions? polic(?:y|ies) assignments? tasks? messages? conversation context",
)
SAID = words("above before previously prior said told learned")
BREAK = words(
    "bypass break violate abandon suspend set_aside put_aside disable discard drop defy disobey deviate_from",
    "override remove lift transcend circumvent turn_off deactivate abolish suppress",
)
BOUNDS = words(
    r"protocols? restrictions? safeguards? ethic\w{0,4} guardrails? limits limitations? training procedures",
    "algorithms? filters? constraints guidelines programming",
)
MINE = rf"my (?:\w{{1,12}} )?{words('instructions demands requests directives orders commands')}"
OBEY = words("follow obey prioriti[sz]e execute adhere_to focus_on listen_to")

OVERRIDE = rule(
    "override",
    phrase(IGNORE, FORMER, ORDERS),
    phrase(IGNORE, ORDERS, words("above before previously given_to_you you_(?:got|were_given|have|received|learned)")),
    rf"\b{IGNORE} (?:all|any|every|your) {ORDERS}\b",
    rf"\b{IGNORE} {near(20, words('all everything anything whatever what'), SAID)}",
    near(12, BREAK, rf"(?:your|usual|standard|built-?in) {_WORDS}{BOUNDS}"),
    near(20, OBEY, words("only exclusively solely just"), MINE),
    rf"\b{words('only exclusively solely')} {OBEY} {MINE}\b",
    # German, French, Spanish, Portuguese, Italian, Dutch
    near(
        40,
        words(r"ignorier\w{0,3} vergiss vergessen_sie missacht\w{1,3}"),
        r"(?:\w{0,12}(?:anweisung|regel|befehl|vorgabe)|anleitung|instruktion)\w{0,3}",
    ),
    near(
        40,
        words("ignore[rz]? oublie[rz]? neglige[rz]?"),
        words("instructions? consignes? regles? directives? ordres?"),
        r"(?:precedent|anterieur|avant|donne|initial|ci-dessus)\w{0,3}",
    ),
    near(
        40,
        words("ignor[ae] ignorar olvid[ae] olvidar omit[ae] descart[ae]"),
        words("instrucciones indicaciones ordenes reglas"),
    ),
    near(40, words("ignor[ae] ignorar esquec?[ae] desconsider[ae]"), words("instruc(?:o|a)es ordens regras comandos")),
    near(40, words("ignora dimentica trascura"), words("istruzioni regole ordini indicazioni")),
    near(40, words("negeer vergeet"), words("instructies opdrachten regels aanwijzingen")),
    # Russian, Chinese, Japanese, Korean; the last three without spaces
    r"\b(?:про)?(?:игнорируй|забудь|не обращай внимания на)\w{0,3}.{0,40}(?:инструкци|указани|правил|команд|приказ)",
    r"(?:忽略|無視|无视|忘记|忘記|忘掉|不要理会|不要遵守|不要遵循|抛开|撤销).{0,10}"
    r"(?:之前|以前|以上|前面|上述|上面|先前|此前|所有|全部|一切|你的|系统).{0,10}"
    r"(?:指令|指示|提示|规则|規則|说明|要求|命令|设定|限制|内容)",
    r"(?:これまで|今まで|以前|上記|前|すべて|全て|元).{0,8}(?:指示|命令|指令|プロンプト|ルール|制約).{0,6}(?:無視|忘れ|破棄)",
    r"(?:이전|위의|앞의|앞선|모든|지금까지).{0,10}(?:지시|명령|프롬프트|규칙|지침).{0,6}(?:무시|잊)",
)

TELL = words(
    "reveal show print output repeat display tell give leak expose recite translate summari[sz]e spell encode",
    "write_(?:down|out) copy list disclose return share what_(?:is|are|was|were)",
)
OWN = words("your system developer'?s? hidden initial original secret")
PROMPTS = words("prompts? instructions? directives?")
FIRST = words(
    "initial original base core primary starting hidden underlying first key central",
    "foundational fundamental essential",
)
PROBE = words("what which show tell share reveal repeat describe explain reiterate restate disclose unveil divulge")

REVEAL = rule(
    "reveal",
    phrase(TELL, rf"{OWN} {_WORDS}{words('prompts? instructions? directives? guidelines rules programming')}"),
    phrase(TELL, rf"{words('above previous preceding prior')} {_WORDS}{PROMPTS}"),
    phrase(
        TELL,
        words("prompts? instructions? text words? everything")
        + " "
        + words("above so_far you_were_given given_to_you before_this"),
    ),
    near(40, PROBE, rf"{FIRST} (?:training |programming |system )?(?:{PROMPTS}|commands?)", words("you your ai")),
    rf"\b{words('prompts? instructions? commands? directives?')} (?:that )?"
    + words("you_(?:used|received|were_given|got) (?:was|were)_(?:given|used)")
    + r"\b",
    rf"\brepeat (?:the|all)(?: the)? {words('instructions words_above text_above')}\b",
    near(
        30, words("reveal tell give leak spell disclose share"), "(?:secret|hidden) (?:word|password|key|code|phrase)"
    ),
    r"(?:输出|显示|告诉|重复|打印|泄露|透露).{0,10}(?:系统|初始|隐藏|你的|上面).{0,4}(?:提示词|提示|指令|设定)",
    near(30, r"(?:zeig|verrate|nenne|gib)\w{0,2}", words("system-?prompts? anweisungen systemanweisung(?:en)?")),
)

UNBOUND = words("dan jailbr[eo]ake?n? developer god debug evil unrestricted apophis sudo")
PERSONA = rule(
    "persona",
    r"\bdo anything now\b",
    near(40, f"{UNBOUND} mode", words("enabled on activated? now output")),
    near(
        20,
        words("enable activate enter turn(?:ed)?_on switch_(?:in)?to"),
        "(?:dan|jailbr[eo]ake?n?|god|evil|unrestricted) mode",
    ),
    near(30, words("you_are you_will_be you_act_as"), "dan"),
    near(
        60,
        words("you_are you're act answer behave respond pretend role-?play imagine"),
        words("without no free_of not_bound_by not_restricted_by does_not_follow broken_free_of ignor(?:es?|ing)")
        + r" (?:any |all |the |its |your )?(?:\w{1,12} )?"
        + words(r"restrictions? rules? limitations? limits filters? guidelines ethic\w{0,5} censorship morals? safety"),
    ),
    near(30, words("you_are you're") + " no longer", words("bound restricted limited an?_ai assistant required")),
    rf"\bfrom now on,? {words('you ignore act answer reply respond')}\b",
    rf"\bnew (?:system )?{words('instructions? prompt persona')}\s?:",
    r"从现在开始.{0,6}你(?:是|将|要|必须)",
)

FORGED = rule(
    "forged_role",
    r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|>",
    r"\[/?inst\]|<</?sys>>",
    r"</?(?:system|assistant|instructions?|system_prompt)>",
    r"^\W{0,6}(?:system|developer) (?:prompt|message|instructions?|override)\W{0,2}:",
    r"[{\[#]\W{0,3}(?:system|assistant|developer)\W{0,2}:",
    r"\b(?:begin|start|end) of (?:system|user|developer) (?:prompt|message|instructions?|input)\b",
)

# Not output, message or solution: handbooks rightly tell their readers what to do with theirs.
ANSWER = words("response answer reply elucidation replies answers responses")
POLITE = words(
    "please now then also first instead kindly always be_sure_to make_sure_to", "you_(?:must|should|need_to|have_to)"
)
LEAD = rf"^\W{{0,4}}(?:{POLITE} )?"
DO = words(
    "add include insert mention append write provide give integrate embed incorporate enhance modify translate encode",
    "encrypt reverse convert present format deliver end start begin conclude finish preface prefix use utili[sz]e make",
    "turn replace render craft compose express ensure alter change transform shift scramble substitute suggest",
    "introduce weave adapt rewrite display print output misspell jumble rearrange group remove combine augment anagram",
    "omit drop swap switch mix repeat capitali[sz]e shuffle mask hide feature promote advertise",
)
HOW = words("only solely exclusively always backwards? to_the_user")
MODEL = words("ai artificial_intelligence llm large_language_model language_model chatbot assistant")

ADDRESSED = rule(
    # A document that tells its reader how to answer.
    "addressed",
    rf"{LEAD}{DO}\b.{{0,80}}\byour {ANSWER}\b",
    rf"^\W{{0,4}}in your {ANSWER}\W",
    rf"{LEAD}(?:only )?(?:respond|reply|answer)\b\W{{1,2}}(?:{HOW}"
    + rf"|{words('in with using by')} "
    + words(
        "base caesar morse emoji reverse pirate rot uppercase spanish french german italian russian chinese japanese"
    )
    + ")",
    near(
        20,
        words("attention note_to message_(?:to|for) dear hey hello hi important_for"),
        words("ai assistants? language_models? llms? chatbots? gpt"),
    ),
    rf"\b{words('if as since because')} you(?:'re| are)? (?:an? )?{MODEL}\b",
    r"^\W{0,4}(?:ai|assistant|llm|chatgpt|chatbot)(?: model| assistant)?\s?,",
    near(20, "(?:do not|don't|never) (?:tell|inform|mention|reveal|show)", "(?:the )?user"),
    r"(?:在|把|将).{0,6}(?:你的|您的)(?:回答|回复|答案|输出)",
)

SEND = words("send post upload forward transmit e-?mail exfiltrate submit")
SECRETS = words(
    "conversation chat history answer question user'?s? secret password credentials api_keys? passages? documents?"
)
EXFILTRATE = rule(
    "exfiltrate",
    r"!\[[^\]]{0,80}\]\(\s?https?://[^)]{0,200}[{=$<\[]",
    rf"{LEAD}{SEND} (?:the|this|all|any|your|our|every|a copy)\b.{{0,60}}"
    rf"\b{SECRETS}\b.{{0,40}}(?:https?://|www\.|\b[\w.+-]{{1,40}}@[\w-]{{1,40}}\.)",
)

# A text without any of these is none of the above; most sentences have none, and this is ten times as fast to see.
HINT = re.compile(
    words(
        "ignor disreg forg[eo]t negl overr bypass overl abandon discard cancel unlearn listen follow obey mind",
        "prompt instruc directi rule guideline order command secret hidden dan jailbr mode restrict limit filter ethic",
        "attention bound from_now system assistant developer respon answer reply replies elucid llm gpt chatbot",
        "user send post upload forward transmit mail exfil submit protocol safe training procedure algorithm",
        "constraint program demand request words_above text_above verg[ei] missacht oubli olvid omit descart esque",
        "desconsid diment trasc negeer anweis conversation context polic limitation persona break violate suspend",
        "set_aside put_aside disable drop defy deviate remove lift transcend circumvent turn_off deactivate abolish",
        "suppress",
        r"< \[ \bai\b [\u0400-\u04ff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]",
    )
)

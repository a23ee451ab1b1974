// The style sheet of server-rendered pages: tokens first, then what uses them.
#include "apps/hub-next/style.hpp"

namespace atrium::hub_next {

const std::string_view style_sheet = R"css(
:root{color-scheme:light dark;--font:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;--mono:ui-monospace,"SF Mono",Menlo,Consolas,monospace;
--ground:oklch(98.5% .003 260);--card:oklch(100% 0 0);--line:oklch(89% .006 260);--line-strong:oklch(62% .012 260);--text:oklch(22% .02 260);--quiet:oklch(43% .02 260);
--accent:oklch(49% .19 275);--accent-strong:oklch(43% .19 275);--on-accent:oklch(99% 0 0);--bad:oklch(47% .18 27);--bad-ground:oklch(96.5% .02 27);--good:oklch(50% .13 150);
--s1:4px;--s2:8px;--s3:12px;--s4:16px;--s5:24px;--s6:32px;--s7:48px;--r1:6px;--r2:10px;--display:clamp(28px,4.6vw,40px)}
@media (prefers-color-scheme:dark){:root{--ground:oklch(18% .012 260);--card:oklch(22% .014 260);--line:oklch(32% .014 260);--line-strong:oklch(58% .014 260);--text:oklch(95% .005 260);--quiet:oklch(78% .012 260);
--accent:oklch(76% .12 275);--accent-strong:oklch(83% .1 275);--on-accent:oklch(18% .03 275);--bad:oklch(79% .12 27);--bad-ground:oklch(28% .05 27);--good:oklch(78% .13 150)}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;font:400 14px/1.5 var(--font);color:var(--text);background:var(--ground);min-height:100vh;display:flex;flex-direction:column}
a{color:var(--accent);text-underline-offset:2px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:var(--r1)}
.skip{position:absolute;left:-999px}.skip:focus{left:var(--s4);top:var(--s3);background:var(--card);padding:var(--s2) var(--s3);z-index:1}
header,footer,main{width:100%;max-width:1040px;margin:0 auto;padding:0 var(--s5)}
header{display:flex;align-items:center;gap:var(--s5);min-height:56px}
.brand{display:flex;align-items:center;gap:var(--s2);font-weight:700;font-size:16px;color:var(--text);text-decoration:none;min-height:44px}
.brand svg{width:24px;height:24px}
header nav{margin-left:auto;display:flex;gap:var(--s4)}
nav a{color:var(--quiet);text-decoration:none;display:inline-flex;align-items:center;min-height:44px}nav a:hover{color:var(--text);text-decoration:underline}
main{flex:1;padding-top:var(--s6);padding-bottom:var(--s7)}
footer{display:flex;flex-wrap:wrap;gap:0 var(--s4);color:var(--quiet);font-size:13px;border-top:1px solid var(--line);padding-top:var(--s3);padding-bottom:var(--s3)}
footer span{margin-left:auto;display:inline-flex;align-items:center;min-height:44px}
h1{font-size:28px;line-height:1.2;font-weight:700;letter-spacing:-.015em;margin:0 0 var(--s3);text-wrap:balance}
h2{font-size:16px;font-weight:700;margin:var(--s6) 0 var(--s2)}
p{margin:0 0 var(--s3);max-width:68ch}
ul.plain{list-style:none;margin:0;padding:0}
.lead{font-size:16px;color:var(--quiet);max-width:46ch;margin-bottom:var(--s5)}
.hero{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,400px);gap:var(--s7);align-items:start;padding-top:var(--s5)}
.hero h1{font-size:var(--display)}
.facts li{display:grid;grid-template-columns:24px 1fr;gap:var(--s2);padding:var(--s2) 0;max-width:52ch}
.facts svg{width:18px;height:18px;margin-top:2px;color:var(--accent)}
.facts b{font-weight:550}.facts span{color:var(--quiet)}
.card{background:var(--card);border:1px solid var(--line);border-radius:var(--r2);padding:var(--s5)}
.narrow{max-width:420px;margin:0 auto}
.tabs>input{position:absolute;opacity:0;pointer-events:none}
.tabbar{display:grid;grid-template-columns:1fr 1fr;gap:var(--s1);background:var(--ground);border:1px solid var(--line);border-radius:var(--r1);padding:3px;margin-bottom:var(--s4)}
.tabbar label{display:flex;align-items:center;justify-content:center;min-height:36px;border-radius:4px;font-weight:550;color:var(--quiet);cursor:pointer}
#tab-up:checked~.tabbar label[for=tab-up],#tab-in:checked~.tabbar label[for=tab-in]{background:var(--card);color:var(--text);box-shadow:0 0 0 1px var(--line)}
#tab-up:focus-visible~.tabbar label[for=tab-up],#tab-in:focus-visible~.tabbar label[for=tab-in]{outline:2px solid var(--accent);outline-offset:1px}
#tab-up:checked~.panel-in,#tab-in:checked~.panel-up{display:none}
.row{display:grid;grid-template-columns:1fr 1fr;gap:var(--s3)}
.field{margin-bottom:var(--s4)}
.field label{display:block;font-weight:550;margin-bottom:var(--s1)}
.hint{color:var(--quiet);font-size:13px;margin:var(--s1) 0 0}
input[type=text],input[type=email],input[type=password]{width:100%;min-height:44px;padding:var(--s2) var(--s3);font:inherit;font-size:16px;color:var(--text);background:var(--card);border:1px solid var(--line-strong);border-radius:var(--r1)}
input:focus{outline:2px solid var(--accent);outline-offset:0;border-color:var(--accent)}
input[aria-invalid=true]{border-color:var(--bad);border-width:2px}
.with-button{position:relative}.with-button button{position:absolute;right:4px;top:4px;min-height:36px;padding:0 var(--s2);border:0;background:none;color:var(--accent);font:inherit;font-size:13px;cursor:pointer}
.with-button input{padding-right:64px}
.field .check{display:grid;grid-template-columns:20px 1fr;gap:var(--s2);align-items:start;min-height:32px;font-weight:400;margin:0}
.check input{width:18px;height:18px;margin:2px 0 0;accent-color:var(--accent)}
.error{color:var(--bad);font-weight:550;margin:var(--s1) 0 0;font-size:13px;display:flex;gap:6px}
.error::before,.alert::before{content:"!";flex:none;display:inline-grid;place-items:center;width:16px;height:16px;border-radius:50%;border:1.5px solid currentColor;font-size:11px;font-weight:700;line-height:1;margin-top:2px}
.alert{display:flex;gap:var(--s2);background:var(--bad-ground);color:var(--bad);border:1px solid currentColor;border-radius:var(--r1);padding:var(--s3);margin:0 0 var(--s4);font-weight:550}
.note{background:var(--ground);border:1px solid var(--line);border-radius:var(--r1);padding:var(--s3);color:var(--quiet);font-size:13px;margin:0 0 var(--s4)}
.main-button{display:inline-flex;align-items:center;justify-content:center;width:100%;min-height:44px;padding:0 var(--s4);border:0;border-radius:var(--r1);background:var(--accent);color:var(--on-accent);font:inherit;font-weight:700;font-size:16px;text-decoration:none;cursor:pointer}
.main-button:hover{background:var(--accent-strong)}.main-button[aria-disabled=true]{opacity:.7;cursor:progress}
.after{margin:var(--s4) 0 0;color:var(--quiet)}
code,pre{font-family:var(--mono);font-size:13px}pre{background:var(--card);border:1px solid var(--line);border-radius:var(--r1);padding:var(--s3);overflow:auto}
table{border-collapse:collapse;width:100%;background:var(--card);border:1px solid var(--line)}th,td{text-align:left;vertical-align:top;padding:var(--s2) var(--s3);border-bottom:1px solid var(--line)}th{font-weight:550;color:var(--quiet)}
.scroll{overflow-x:auto}
@media (max-width:800px){.hero{display:flex;flex-direction:column;align-items:stretch;gap:0;padding-top:0}.intro{display:contents}ul.facts{order:3;margin-top:var(--s5)}header,footer,main{padding-left:var(--s4);padding-right:var(--s4)}main{padding-top:var(--s4)}.card{padding:var(--s4)}}
@media (max-width:420px){.row{grid-template-columns:1fr;gap:0}header nav{gap:var(--s3)}}
@media (forced-colors:active){.main-button{border:1px solid ButtonText}.tabbar label{border:1px solid transparent}#tab-up:checked~.tabbar label[for=tab-up],#tab-in:checked~.tabbar label[for=tab-in]{border-color:Highlight}}
)css";

const std::string_view form_script = R"js(
for(const b of document.querySelectorAll("button[data-show]")){b.hidden=false;b.addEventListener("click",()=>{const f=document.getElementById(b.dataset.show),on=f.type==="password";
f.type=on?"text":"password";b.textContent=on?"Hide":"Show";b.setAttribute("aria-pressed",String(on))})}
for(const f of document.forms)f.addEventListener("submit",e=>{const b=f.querySelector(".main-button");if(b.getAttribute("aria-disabled")==="true"){e.preventDefault();return}
b.setAttribute("aria-disabled","true");b.textContent=b.dataset.busy||b.textContent});
addEventListener("pageshow",e=>{if(e.persisted)location.reload()});
const bad=document.querySelector("[aria-invalid=true]");if(bad)bad.focus();
)js";

}  // namespace atrium::hub_next

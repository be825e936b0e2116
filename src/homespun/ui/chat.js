// What cannot wait for the server: keys, and keeping the newest words in sight.
(() => {
  const writes = (target) => target.closest?.("input, textarea, [contenteditable=true]");
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !writes(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      document.querySelector(".chat-composer textarea")?.focus();
    }
    if (event.key === "Escape" && !document.querySelector(".q-dialog, .q-menu")) document.querySelector(".chat-stop")?.click();
  });
  let follows = true;
  const follow = (log) => { if (follows) log.scrollTop = log.scrollHeight; };
  const begin = () => {
    const log = document.querySelector(".chat-log");
    if (!log) return setTimeout(begin, 30);
    log.addEventListener("scroll", () => { follows = log.scrollHeight - log.scrollTop - log.clientHeight < 80; });
    new MutationObserver(() => follow(log)).observe(log, { childList: true, subtree: true, characterData: true });
    window.chatToEnd = () => { follows = true; follow(log); };
    window.chatToEnd();
  };
  begin();
})();

// Hands a payment to WeChat's own script, which exists inside WeChat alone. What it answers is a hint: the order's page
// asks the shop, and the shop asks WeChat.
"use strict";

const place = document.querySelector("[data-bridge]");

function pay() {
  const parameters = JSON.parse(document.getElementById("bridge-parameters").textContent);
  WeixinJSBridge.invoke("getBrandWCPayRequest", parameters, (answer) => {
    if (answer.err_msg === "get_brand_wcpay_request:ok") location.assign(place.dataset.then);
  });
}

if (typeof WeixinJSBridge === "undefined") document.addEventListener("WeixinJSBridgeReady", pay);
else pay();
document.getElementById("bridge-again").addEventListener("click", pay);

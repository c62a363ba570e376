"""From a bare ESP32 to a wallbox: image, partition table and file system in one run of esptool.

firmware_image   reads a MicroPython image and says whether it fits        source   where the image comes from
plan             what is written where, and what that costs               writer   the run of esptool
first_boot       watches the serial line until the firmware reports       command  `pilotwire flash`
"""
